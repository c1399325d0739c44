// SPDX-License-Identifier: MIT
#include "tests/unit/catch.hpp"
#include "tests/unit/shown_registers.hpp"
#include "tests/unit/virtio_net_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

namespace control = virtio_net::control;
namespace feature = virtio_net::feature;
using Taken = FrameSink::Taken;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t filtering =
    Guest::usual | feature::ctrl_vq | feature::ctrl_rx | feature::ctrl_mac_addr;
constexpr std::uint64_t command_at = 0x8000'e000;
constexpr std::uint64_t answer_at = 0x8000'f000;
constexpr std::uint8_t ok = virtio_net::answer::ok;
constexpr std::uint8_t err = virtio_net::answer::err;
constexpr std::uint8_t none = 0xee;

constexpr MacAddress own{{2, 0, 0, 0, 0, 7}};  // the bench's wire's
constexpr MacAddress everybody{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
constexpr MacAddress single{{2, 0, 0, 0, 0, 8}};
constexpr MacAddress group{{1, 0, 0x5e, 0, 0, 1}};

struct Filtered : Guest {
    explicit Filtered(std::uint64_t features = filtering) {
        start(features);
        make_room(8, 2048);
    }
    /// The device's answer to a command in one buffer, or in buffers of `cut` bytes.
    std::uint8_t say(const Bytes& bytes, std::uint32_t cut = 1000) {
        std::memcpy(memory.at({command_at}), bytes.data(), bytes.size());
        memory.store(GuestPhys{answer_at}, none);
        std::vector<Buffer> buffers;
        for (std::uint32_t at = 0; at < bytes.size(); at += cut)
            buffers.push_back(
                {command_at + at, std::min(cut, static_cast<std::uint32_t>(bytes.size()) - at)});
        buffers.push_back({answer_at, 1, true});
        offer(2, 0, buffers);
        notify(2);
        return memory.load<std::uint8_t>(GuestPhys{answer_at});
    }
    std::uint8_t set_tables(const std::vector<MacAddress>& singles,
                            const std::vector<MacAddress>& groups, std::uint32_t cut = 1000) {
        Bytes bytes{control::mac, control::mac_table_set};
        for (const auto* const table : {&singles, &groups}) {
            const auto size = static_cast<std::uint32_t>(table->size());
            for (unsigned shift = 0; shift < 32; shift += 8)
                bytes.push_back(static_cast<std::uint8_t>(size >> shift));
            for (const MacAddress& each : *table)
                bytes.insert(bytes.end(), each.bytes.begin(), each.bytes.end());
        }
        return say(bytes, cut);
    }
    Taken take(const MacAddress& to) {
        std::array<std::byte, 60> bytes{};
        std::memcpy(bytes.data(), to.bytes.data(), to.bytes.size());
        const std::span<const std::byte> piece = bytes;
        return net.take({.header = {}, .pieces = {&piece, 1}, .size = bytes.size()});
    }
    bool takes(const MacAddress& to) {
        const Taken taken = take(to);
        CHECK((taken == Taken::yes || taken == Taken::unwanted));
        return taken == Taken::yes;
    }
};

}  // namespace

TEST_CASE("a guest that filters gets what it asks for", "[virtio_net_control]") {
    Filtered guest;
    CHECK((guest.net.features() & filtering) == (filtering & ~virtio::feature::version_1));
    CHECK(guest.takes(own));
    CHECK(guest.takes(everybody));
    CHECK(!guest.takes(single));
    CHECK(!guest.takes(group));
    CHECK(guest.set_tables({single}, {group}) == ok);
    CHECK(guest.used(2) == 1);
    CHECK(guest.element(2, 0).length == 1);
    CHECK(guest.wire.up);
    CHECK(guest.takes(single));
    CHECK(guest.takes(group));
    CHECK(guest.set_tables({}, {}, 2) == ok);  // two bytes at a time
    CHECK(!guest.takes(single));
    CHECK(!guest.takes(group));
    CHECK(guest.used(0) == 4);
}

TEST_CASE("a guest asks for all, or for all groups", "[virtio_net_control]") {
    Filtered guest;
    CHECK(guest.say({control::rx, control::rx_allmulti, 1}) == ok);
    CHECK(guest.takes(group));
    CHECK(!guest.takes(single));
    CHECK(guest.say({control::rx, control::rx_promisc, 1}, 1) == ok);
    CHECK(guest.takes(single));
    CHECK(guest.say({control::rx, control::rx_promisc, 0}) == ok);
    CHECK(guest.say({control::rx, control::rx_allmulti, 0}) == ok);
    CHECK(!guest.takes(group));
    CHECK(!guest.takes(single));
}

TEST_CASE("a guest has another address until its device is reset", "[virtio_net_control]") {
    Filtered guest;
    const ShownRegisters shown(guest.device);
    CHECK(guest.say({control::mac, control::mac_addr_set, 2, 0, 0, 0, 0, 8}) == ok);
    CHECK(shown.are_in_step());
    CHECK(guest.device.read(0x105, AccessWidth::byte) == 8u);
    CHECK(guest.takes(single));
    CHECK(!guest.takes(own));
    CHECK(guest.set_tables({}, {group}) == ok);
    guest.start(filtering);
    CHECK(shown.are_in_step());
    guest.make_room(8, 2048);
    CHECK(guest.device.read(0x105, AccessWidth::byte) == 7u);
    CHECK(guest.takes(own));
    CHECK(!guest.takes(single));
    CHECK(!guest.takes(group));
}

TEST_CASE("what is no command changes nothing, and is answered", "[virtio_net_control]") {
    Filtered guest;
    CHECK(guest.set_tables({single}, {group}) == ok);
    CHECK(guest.say({control::rx}) == err);
    CHECK(guest.say({control::rx, control::rx_promisc}) == err);
    CHECK(guest.say({control::rx, control::rx_promisc, 2}) == err);
    CHECK(guest.say({control::rx, control::rx_promisc, 1, 0}) == err);
    CHECK(guest.say({control::rx, 2, 1}) == err);  // RX_EXTRA is not offered
    CHECK(guest.say({2, 0, 1, 0}) == err);         // nor are VLANs
    CHECK(guest.say({3, 0}) == err);               // nor announcements
    CHECK(guest.say({control::mac, 2, 2, 0, 0, 0, 0, 8}) == err);
    CHECK(guest.say({control::mac, control::mac_addr_set, 2, 0, 0, 0, 0}) == err);
    CHECK(guest.say({control::mac, control::mac_addr_set, 2, 0, 0, 0, 0, 8, 0}) == err);
    CHECK(guest.say({control::mac, control::mac_addr_set, 3, 0, 0, 0, 0, 8}) == err);
    CHECK(guest.say({control::mac, control::mac_addr_set, 0, 0, 0, 0, 0, 0}) == err);
    CHECK(guest.say({control::mac, control::mac_table_set, 0, 0, 0}) == err);
    CHECK(guest.say({control::mac, control::mac_table_set, 0, 0, 0, 0}) == err);
    CHECK(guest.say({control::mac, control::mac_table_set, 0, 0, 0, 0, 0, 0, 0, 0, 0}) == err);
    CHECK(guest.say({control::mac, control::mac_table_set, 1, 0, 0, 0, 2, 0, 0, 0, 0}) == err);
    CHECK(guest.say({control::mac, control::mac_table_set, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}) ==
          err);
    Bytes cut{control::mac, control::mac_table_set, 200, 0, 0, 0};
    cut.resize(cut.size() + 40 * virtio_net::mac_size, 2);
    CHECK(guest.say(cut) == err);
    CHECK(guest.takes(single));
    CHECK(guest.takes(group));
    CHECK(!guest.takes({{2, 0, 0, 0, 0, 99}}));
    CHECK(!guest.needs_reset());
}

TEST_CASE("a guest with more addresses than fit gets all of their kind", "[virtio_net_control]") {
    Filtered guest;
    std::vector<MacAddress> many;
    for (std::uint8_t n = 0; n <= ReceiveFilter::most_addresses + 20; ++n)
        many.push_back({{2, 1, 0, 0, 0, n}});
    CHECK(guest.set_tables(many, {group}, 97) == ok);
    CHECK(guest.takes(single));
    CHECK(guest.takes(group));
    CHECK(!guest.takes({{1, 0, 0x5e, 0, 0, 2}}));
}

TEST_CASE("without the features nothing is filtered, and no command is done",
          "[virtio_net_control]") {
    Filtered without(Guest::usual);
    CHECK(without.say({control::rx, control::rx_promisc, 1}) == none);
    CHECK(without.used(2) == 0);
    CHECK(without.takes(single));
    Filtered no_rx(Guest::usual | feature::ctrl_vq);
    CHECK(no_rx.say({control::rx, control::rx_promisc, 0}) == err);
    CHECK(no_rx.set_tables({}, {}) == err);
    CHECK(no_rx.say({control::mac, control::mac_addr_set, 2, 0, 0, 0, 0, 8}) == err);
    CHECK(no_rx.takes(single));
    CHECK(no_rx.takes(group));
}

TEST_CASE("a command has room for its answer, or is a fault", "[virtio_net_control]") {
    Filtered guest;
    guest.offer(2, 0, {{command_at, 3}});
    guest.notify(2);
    CHECK(guest.needs_reset());
    CHECK(!guest.device.work());
    guest.start(filtering);
    CHECK(guest.say({control::rx, control::rx_promisc, 1}) == ok);
}

TEST_CASE("a control queue that is reset alone leaves what was asked for", "[virtio_net_control]") {
    Filtered guest(filtering | virtio::feature::ring_reset);
    CHECK(guest.set_tables({single}, {}) == ok);
    guest.set(virtio_mmio::Register::queue_sel, 2);
    guest.set(virtio_mmio::Register::queue_reset, 1);
    CHECK(guest.takes(single));
    CHECK(!guest.takes(group));
}
