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
std::array<DriverRing, 2> rings;
std::array<DriverRing, 2> others_rings;

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
    start(driver, rings, usual);
    start(other, others_rings, usual);
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

}  // namespace

void check_nets(Checks& checks, unsigned slot, unsigned other_slot) {
    const VirtioDriver driver(slot);
    const VirtioDriver other(other_slot);
    make_frame(driver, 60);
    const Subject subject{.checks = checks,
                          .driver = driver,
                          .slot = slot,
                          .device_id = virtio::network_device_id,
                          .queues = 2,
                          .queue = tx,
                          .buffer = {&sent, whole(60)}};
    check_registers(subject);
    check_negotiation(subject);
    checks.check((driver.offered() & net_feature::mac) != 0, "MAC is offered");
    checks.check((driver.config<std::uint8_t>(0) & 1) == 0, "the address is one interface's");
    check_order(subject);
    check_frames(checks, driver, other);
    make_frame(driver, 60);
    check_interrupts(subject);
    check_indirect(subject);
    check_offences(subject);
    check_queue_reset(subject);
}

}  // namespace cairn::guest
