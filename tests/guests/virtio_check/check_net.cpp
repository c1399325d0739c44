// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "kernel/arch/devices/virtio_net_packets.hpp"
#include "tests/guests/virtio_check/device_kinds.hpp"

namespace cairn::guest {
namespace {

using virtio_net::PacketHeader;
namespace net_feature = virtio_net::feature;
constexpr std::uint32_t rx = virtio_net::receive_queue;
constexpr std::uint32_t tx = virtio_net::transmit_queue;
constexpr auto usual = virtio::feature::version_1 | net_feature::mac;

struct Packet {
    PacketHeader header;
    std::array<std::uint8_t, virtio_net::ethernet_frame_size> frame;
};
Packet sent;
Packet received;
std::array<DriverRing, 3> rings;
std::array<DriverRing, 3> others_rings;

constexpr std::uint32_t ctrl = virtio_net::control_queue;
namespace control = virtio_net::control;
constexpr auto filtering =
    usual | net_feature::ctrl_vq | net_feature::ctrl_rx | net_feature::ctrl_mac_addr;
using Address = std::array<std::uint8_t, virtio_net::mac_size>;
std::array<Packet, 2> arrived;
std::array<std::uint8_t, 64> command;
std::uint8_t answer;

constexpr std::uint32_t whole(std::size_t frame) {
    return static_cast<std::uint32_t>(sizeof(PacketHeader) + frame);
}

/// A frame of `size` bytes to everybody, of nobody's protocol.
void make_frame(const VirtioDriver& from, std::size_t size) {
    sent = {};
    for (std::size_t n = 0; n < size; ++n)
        sent.frame[n] = static_cast<std::uint8_t>(n * 7);
    std::fill_n(sent.frame.begin(), 6, std::uint8_t{0xff});
    for (std::size_t n = 0; n < 6; ++n)
        sent.frame[6 + n] = from.config<std::uint8_t>(n);
    sent.frame[12] = 0x88;  // IEEE 802, local experiments
    sent.frame[13] = 0xb5;
}

/// Whether a frame of `size` bytes comes from one to the other as it is, cut into `pieces`.
bool passes(const VirtioDriver& from, const VirtioDriver& to, std::size_t size,
            std::span<const DriverBuffer> pieces) {
    make_frame(from, size);
    received = {};
    others_rings[rx].chain(0, std::array{DriverBuffer{&received, sizeof received, true}});
    others_rings[rx].offer(0);
    to.notify(rx);
    if (!is_used(from, tx, rings[tx], pieces) || !others_rings[rx].wait_used()) return false;
    return others_rings[rx].last_used().length == whole(size) &&
           std::ranges::equal(std::span(sent.frame).first(size),
                              std::span(received.frame).first(size));
}

bool passes(const VirtioDriver& from, const VirtioDriver& to, std::size_t size) {
    return passes(from, to, size, std::array{DriverBuffer{&sent, whole(size)}});
}

void check_frames(Checks& checks, const VirtioDriver& driver, const VirtioDriver& other) {
    start(driver, std::span(rings).first(2), usual);
    start(other, std::span(others_rings).first(2), usual);
    checks.check(passes(driver, other, 60), "a short frame comes");
    checks.check(rings[tx].last_used().length == 0, "nothing is written to what is sent");
    checks.check(
        received.header.gso_type == virtio_net::segments::none && received.header.num_buffers == 1,
        "its header says that it is one frame in one buffer");
    checks.check(passes(driver, other, virtio_net::ethernet_frame_size), "a long frame comes");
    const std::array pieces{DriverBuffer{&sent, sizeof(PacketHeader)},
                            DriverBuffer{&sent.frame[0], 20}, DriverBuffer{&sent.frame[20], 80}};
    checks.check(passes(driver, other, 100, pieces), "a frame may be cut anywhere");
    bool all = true;
    for (std::size_t n = 0; n < 50; ++n)
        all = all && passes(driver, other, 60 + n);
    checks.check(all, "many come, one after the other");
}

/// The device's answer to a command of three bytes at least; 0xff where there is none.
unsigned answer_to(const VirtioDriver& driver, DriverRing& ring,
                   std::initializer_list<std::uint8_t> bytes) {
    std::ranges::copy(bytes, command.begin());
    answer = 0xff;
    const auto rest = static_cast<std::uint32_t>(bytes.size() - sizeof(control::Header));
    const std::array buffers{DriverBuffer{&command[0], sizeof(control::Header)},
                             DriverBuffer{&command[sizeof(control::Header)], rest},
                             DriverBuffer{&answer, 1, true}};
    return is_used(driver, ctrl, ring, buffers) ? answer : 0xff;
}

/// Sends a frame to `address`; `sent` has the rest.
bool send_to(const VirtioDriver& from, const Address& address) {
    std::ranges::copy(address, sent.frame.begin());
    return is_used(from, tx, rings[tx], std::array{DriverBuffer{&sent, whole(60)}});
}

/// Whether a frame to `address` gets there: one to everybody comes behind it in any case. Both of
/// its buffers are used in the end.
bool is_received(const VirtioDriver& from, const VirtioDriver& to, const Address& address) {
    constexpr Address everybody{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    DriverRing& ring = others_rings[rx];
    const std::uint16_t before = ring.used_index();
    const auto has_used = [&](int buffers) {
        return comes_true([&] { return ring.used_index() - before >= buffers; });
    };
    for (std::uint16_t n = 0; n < arrived.size(); ++n) {
        ring.chain(n, std::array{DriverBuffer{&arrived[n], sizeof(Packet), true}});
        ring.offer(n);
    }
    to.notify(rx);
    make_frame(from, 60);
    if (!send_to(from, address) || !send_to(from, everybody) || !has_used(1)) return false;
    const bool is_it =
        std::ranges::equal(std::span(arrived[0].frame).first(address.size()), address);
    return (is_it || send_to(from, everybody)) && has_used(2) && is_it;
}

void check_commands(Checks& checks, const VirtioDriver& driver) {
    start(driver, rings, filtering);
    const auto says = [&](std::initializer_list<std::uint8_t> bytes) {
        return answer_to(driver, rings[ctrl], bytes);
    };
    constexpr unsigned ok = virtio_net::answer::ok;
    constexpr unsigned err = virtio_net::answer::err;
    checks.check(says({control::rx, control::rx_promisc, 1}) == ok, "all frames may be asked for");
    checks.check(rings[ctrl].last_used().length == 1, "an answer is one byte");
    checks.check(says({control::rx, control::rx_allmulti, 1}) == ok, "all groups may be");
    checks.check(says({control::mac, control::mac_table_set, 0, 0, 0, 0, 0, 0, 0, 0}) == ok,
                 "two empty tables are tables");
    checks.check(says({control::mac,
                       control::mac_table_set,
                       1,
                       0,
                       0,
                       0,
                       2,
                       0,
                       0,
                       0,
                       0,
                       1,
                       1,
                       0,
                       0,
                       0,
                       1,
                       0,
                       0x5e,
                       0,
                       0,
                       1}) == ok,
                 "a table may have addresses");
    checks.check(says({control::mac, control::mac_table_set, 9, 0, 0, 0, 0, 0, 0, 0}) == err,
                 "a table that ends before its addresses is an error");
    checks.check(says({control::mac, control::mac_table_set, 0, 0, 0, 0}) == err,
                 "so is one table alone");
    checks.check(says({control::mac, control::mac_addr_set, 2, 0, 0, 0, 0}) == err,
                 "so is an address of five bytes");
    checks.check(says({control::rx, 99, 1}) == err, "a command that is not known is an error");
    checks.check(says({99, 0, 1}) == err, "so is one of an unknown class");
    wait_a_little();
    checks.check(!driver.waits_for_reset(0), "none of them needs a reset");
}

void check_filter(Checks& checks, const VirtioDriver& driver, const VirtioDriver& other) {
    start(driver, std::span(rings).first(2), usual);
    start(other, others_rings, filtering);
    const auto says = [&](std::initializer_list<std::uint8_t> bytes) {
        return answer_to(other, others_rings[ctrl], bytes) == virtio_net::answer::ok;
    };
    const auto receives = [&](const Address& address) {
        return is_received(driver, other, address);
    };
    constexpr Address single{2, 0, 0, 0, 9, 1};
    constexpr Address group{1, 0, 0x5e, 0, 9, 1};
    Address own{};
    for (std::size_t n = 0; n < own.size(); ++n)
        own[n] = other.config<std::uint8_t>(n);
    checks.check(!receives(single), "a filter begins with the device's own address");
    checks.check(says({control::rx, control::rx_promisc, 0}) && !receives(single) &&
                     !receives(group) && receives(own),
                 "what is not asked for does not come");
    checks.check(says({control::mac,
                       control::mac_table_set,
                       1,
                       0,
                       0,
                       0,
                       2,
                       0,
                       0,
                       0,
                       9,
                       1,
                       1,
                       0,
                       0,
                       0,
                       1,
                       0,
                       0x5e,
                       0,
                       9,
                       1}) &&
                     receives(single) && receives(group),
                 "what is in the tables comes");
    checks.check(says({control::mac, control::mac_table_set, 0, 0, 0, 0, 0, 0, 0, 0}) &&
                     !receives(single) && !receives(group),
                 "and does not any more");
    checks.check(says({control::rx, control::rx_allmulti, 1}) && receives(group) &&
                     !receives(single) && says({control::rx, control::rx_allmulti, 0}),
                 "all groups come");
    checks.check(says({control::rx, control::rx_promisc, 1}) && receives(group) &&
                     receives(single) && says({control::rx, control::rx_promisc, 0}),
                 "all comes");
    checks.check(says({control::mac, control::mac_addr_set, 2, 0, 0, 0, 9, 1}) &&
                     receives(single) && other.config<std::uint8_t>(5) == 1,
                 "another address of its own comes, and is in the configuration");
    start(other, std::span(others_rings).first(2), usual);
    checks.check(receives(single) && receives(group), "without the features all comes");
}

}  // namespace

void check_nets(Checks& checks, unsigned slot, unsigned other_slot) {
    const VirtioDriver driver(slot);
    const VirtioDriver other(other_slot);
    make_frame(driver, 60);
    const Subject subject{.checks = checks,
                          .driver = driver,
                          .slot = slot,
                          .device_id = virtio::network_device_id,
                          .queues = 3,
                          .queue = tx,
                          .buffer = {&sent, whole(60)}};
    check_registers(subject);
    check_negotiation(subject);
    checks.check((driver.offered() & net_feature::mac) != 0, "MAC is offered");
    checks.check((driver.config<std::uint8_t>(0) & 1) == 0, "the address is one interface's");
    check_order(subject);
    check_frames(checks, driver, other);
    check_commands(checks, driver);
    check_filter(checks, driver, other);
    make_frame(driver, 60);
    check_interrupts(subject);
    check_indirect(subject);
    check_offences(subject);
    check_queue_reset(subject);
}

}  // namespace cairn::guest
