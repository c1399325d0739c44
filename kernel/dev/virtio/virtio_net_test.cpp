// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_net.hpp"

#include <numeric>

#include "kernel/dev/net/offloads.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/virtio_net_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

namespace feature = virtio_net::feature;
using Taken = FrameSink::Taken;
using virtio_net::PacketHeader;

/// A frame whose check sum is to be made.
PacketHeader partial(std::uint16_t start, std::uint16_t offset) {
    PacketHeader header{};
    header.flags = virtio_net::needs_csum;
    header.csum_start = start;
    header.csum_offset = offset;
    return header;
}

/// A frame that is to be cut.
PacketHeader to_cut(std::uint8_t type, std::uint16_t size, std::uint8_t flags) {
    PacketHeader header{};
    header.flags = flags;
    header.gso_type = type;
    header.gso_size = size;
    return header;
}

std::vector<std::byte> frame_of(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t n = 0; n < size; ++n)
        bytes[n] = static_cast<std::byte>(n * 5 + n / 251);
    return bytes;
}

/// Of TCP over IPv4 without options, with so much behind the headers.
std::vector<std::byte> tcp_frame_of(std::size_t payload) {
    std::vector<std::byte> frame = frame_of(14 + 40 + payload);
    frame[12] = std::byte{0x08};
    frame[13] = std::byte{0};
    frame[46] = std::byte{0x50};
    return frame;
}

PacketHeader tcp_to_cut(std::uint16_t size) {
    PacketHeader header = to_cut(1, size, 1);
    header.csum_start = 34;
    header.csum_offset = 16;
    return header;
}

}  // namespace

TEST_CASE("a network device says what it is and can", "[virtio_net]") {
    Guest guest;
    CHECK(guest.get(virtio_mmio::Register::device_id) == 1);
    CHECK(guest.device.read(0x100, AccessWidth::byte) == 2u);
    CHECK(guest.device.read(0x105, AccessWidth::byte) == 7u);
    CHECK(guest.device.read(0x106, AccessWidth::half) == 1u);  // the link is up
    CHECK((guest.net.features() & feature::guest_tso4) != 0);
    guest.net_wire.has_offloads = false;
    CHECK((guest.net.features() & (feature::csum | feature::guest_tso4)) == 0);
}

TEST_CASE("a frame goes from one guest to the other", "[virtio_net]") {
    Pair pair;
    pair.b.make_room(1, 2048);
    const auto frame = frame_of(600);
    pair.a.send({}, frame);
    CHECK(pair.a.used(1) == 1);
    CHECK(pair.a.wire.up);
    REQUIRE(pair.b.used(0) == 1);
    CHECK(pair.b.element(0, 0).length == 612);
    CHECK(pair.b.received_header().num_buffers == 1);
    const auto seen = pair.b.received(0, 612);
    CHECK(std::equal(frame.begin(), frame.end(), seen.begin() + 12));
    CHECK(!pair.b.wire.up);  // a turn tells it
    CHECK(pair.b.net_wire.turns == 1);
    CHECK(!pair.b.device.work());
    CHECK(pair.b.wire.up);
}

TEST_CASE("a long frame is received into several buffers, shown at once", "[virtio_net]") {
    Pair pair;
    pair.b.make_room(3, 600);
    const auto frame = frame_of(1500);
    pair.a.send({}, frame);
    REQUIRE(pair.b.used(0) == 3);
    CHECK(pair.b.received_header().num_buffers == 3);
    CHECK(pair.b.element(0, 0).length == 600);
    CHECK(pair.b.element(0, 2).length == 312);
    const auto second = pair.b.received(1, 600);
    CHECK(std::equal(second.begin(), second.end(), frame.begin() + 588));
}

TEST_CASE("a header in bytes of their own is written whole", "[virtio_net]") {
    Pair pair;
    std::vector<Buffer> buffers;
    for (std::uint32_t n = 0; n < 7; ++n)
        buffers.push_back({Guest::rx_at + n * 2, 2, true});
    pair.b.offer(0, 0, buffers);
    pair.b.offer(0, 7, {{Guest::rx_at + 0x1000, 400, true}});
    pair.b.notify(0);
    pair.a.send({}, frame_of(300));
    REQUIRE(pair.b.used(0) == 2);
    CHECK(pair.b.received_header().num_buffers == 2);
    CHECK(pair.b.element(0, 0).length == 14);
}

TEST_CASE("a frame that finds no room leaves no trace, and is sent again", "[virtio_net]") {
    Pair pair;
    pair.b.make_room(2, 600);
    const auto frame = frame_of(1500);
    pair.a.send({}, frame);
    CHECK(pair.a.net_wire.last == Taken::no_room);
    CHECK(pair.a.net_wire.given_up == 0);
    CHECK(pair.a.used(1) == 0);
    CHECK(pair.b.used(0) == 0);
    pair.b.offer(0, 2, {{Guest::rx_at + 0x2000, 600, true}});
    pair.b.notify(0);
    CHECK(pair.b.net_wire.rooms == 1);
    CHECK(!pair.a.device.work());
    CHECK(pair.a.used(1) == 1);
    CHECK(pair.b.used(0) == 3);
    CHECK(pair.b.received_header().num_buffers == 3);
}

TEST_CASE("a frame that fits does not hide that another waits", "[virtio_net]") {
    Pair pair;
    pair.b.make_room(2, 600);
    pair.a.send({}, frame_of(1500));
    CHECK(pair.a.net_wire.last == Taken::no_room);
    Guest third;
    third.net_wire.to = &pair.b.net;
    third.start();
    third.send({}, frame_of(100));
    CHECK(third.net_wire.last == Taken::yes);
    pair.b.notify(0);  // a notification is no room
    CHECK(pair.b.net_wire.rooms == 0);
    pair.b.offer(0, 2, {{Guest::rx_at + 0x2000, 600, true}});
    pair.b.offer(0, 3, {{Guest::rx_at + 0x3000, 600, true}});
    pair.b.notify(0);
    CHECK(pair.b.net_wire.rooms == 1);
    pair.b.offer(0, 4, {{Guest::rx_at + 0x4000, 9, true}});
    pair.b.device.reset();
    CHECK(pair.b.net_wire.rooms == 1);
    pair.a.device.reset();
    CHECK(pair.a.net_wire.given_up == 1);
}

TEST_CASE("a frame for buffers that are cut too small is lost", "[virtio_net]") {
    Pair pair;
    std::vector<Buffer> bytes;
    for (std::uint32_t n = 0; n < 8; ++n)
        bytes.push_back({Guest::rx_at + n * 2, 2, true});
    for (std::uint16_t n = 0; n < 8; ++n)
        pair.b.offer(0, 0, bytes);
    pair.b.notify(0);
    pair.a.send({}, frame_of(600));
    CHECK(pair.a.net_wire.last == Taken::never);  // not even all of them would do
    CHECK(pair.a.used(1) == 1);
    CHECK(pair.b.used(0) == 0);
}

TEST_CASE("a frame is not cut into more segments than a queue has buffers", "[virtio_net]") {
    Pair pair(Guest::usual);
    pair.b.make_room(8, 2048);
    const auto frame = tcp_frame_of(3000);
    PacketHeader header = tcp_to_cut(1);
    pair.a.send(header, frame);
    CHECK(pair.a.net_wire.last == Taken::yes);
    CHECK(pair.b.used(0) == 8);
    header.gso_size = 2900;  // one segment, longer than any frame
    pair.b.make_room(8, 2048);
    pair.a.send(header, frame);
    CHECK(pair.a.net_wire.last == Taken::never);
}

TEST_CASE("without merged buffers a frame has one that is long enough", "[virtio_net]") {
    Pair pair(Guest::usual & ~feature::mrg_rxbuf);
    pair.b.make_room(2, 600);
    pair.a.send({}, frame_of(1500));
    CHECK(pair.a.net_wire.last == Taken::never);
    CHECK(pair.a.used(1) == 1);
    CHECK(pair.b.used(0) == 0);
    pair.a.send({}, frame_of(500));
    CHECK(pair.a.net_wire.last == Taken::yes);
    CHECK(pair.b.used(0) == 1);
}

TEST_CASE("a check sum is left to who can, and made for who cannot", "[virtio_net]") {
    const PacketHeader header = partial(34, 16);
    Pair able;
    able.b.make_room(1, 2048);
    able.a.send(header, frame_of(200));
    CHECK(able.b.received_header().flags == virtio_net::needs_csum);
    CHECK(able.b.received_header().csum_start == 34);
    Pair unable(Guest::usual & ~feature::guest_csum);
    unable.b.make_room(1, 2048);
    auto frame = frame_of(200);
    frame[50] = frame[51] = std::byte{0};  // a pseudo header of nothing
    unable.a.send(header, frame);
    CHECK(unable.b.received_header().flags == 0);
    InternetSum sum;
    const auto seen = unable.b.received(0, 212);
    sum.add(std::span(seen).subspan(12 + 34));
    CHECK(sum.value() == 0xffff);
}

TEST_CASE("a header that is not what the driver may send is lost with its frame", "[virtio_net]") {
    Pair pair;
    pair.b.make_room(4, 2048);
    const auto is_lost = [&](const PacketHeader& header, std::size_t size) {
        const int before = pair.a.net_wire.sent;
        const std::uint16_t used = pair.a.used(1);
        pair.a.send(header, frame_of(size));
        CHECK(pair.a.used(1) == used + 1);
        return pair.a.net_wire.sent == before;
    };
    CHECK(!is_lost({}, 14));
    CHECK(is_lost({}, 13));
    CHECK(!is_lost({}, 1518));
    CHECK(is_lost({}, 1519));
    CHECK(is_lost(partial(190, 9), 200));
    CHECK(!is_lost(partial(190, 8), 200));
    CHECK(is_lost(to_cut(1, 100, 0), 200));
    CHECK(is_lost(to_cut(1, 0, 1), 200));
    CHECK(is_lost(to_cut(4, 100, 1), 200));  // not accepted
    CHECK(is_lost(to_cut(3, 100, 1), 200));
    CHECK(!pair.a.needs_reset());
}

TEST_CASE("a broken ring of the receiver stops its device alone", "[virtio_net]") {
    Pair pair;
    pair.b.make_room(1, 2048);
    pair.b.memory.store(GuestPhys{pair.b.area(0) + 8}, std::uint32_t{4});  // too short
    pair.a.send({}, frame_of(100));
    CHECK(pair.a.net_wire.last == Taken::never);
    CHECK(!pair.a.needs_reset());
    CHECK(!pair.b.device.work());
    CHECK(pair.b.needs_reset());
    pair.a.send({}, frame_of(100));
    CHECK(pair.a.net_wire.last == Taken::never);
    pair.b.start();
    pair.b.make_room(1, 2048);
    pair.a.send({}, frame_of(100));
    CHECK(pair.a.net_wire.last == Taken::yes);
}

TEST_CASE("a device that needs a reset receives nothing either", "[virtio_net]") {
    Pair pair;
    pair.b.make_room(2, 2048);
    pair.b.memory.store(GuestPhys{pair.b.area(1) + 0x1002}, std::uint16_t{100});  // of 8
    pair.b.notify(1);
    CHECK(pair.b.needs_reset());
    pair.a.send({}, frame_of(100));
    CHECK(pair.a.net_wire.last == Taken::never);
    CHECK(pair.b.used(0) == 0);
}

TEST_CASE("all segments of a frame together make little memory ready", "[virtio_net]") {
    Pair pair(Guest::usual);
    pair.b.make_room(8, 2048);
    pair.b.memory.slow = {{Guest::rx_at + 0x1000}, 0x7000};  // all buffers but the first
    pair.a.send(tcp_to_cut(100), tcp_frame_of(800));
    CHECK(pair.a.net_wire.last == Taken::yes);
    CHECK(pair.b.used(0) >= 1);
    CHECK(pair.b.used(0) <= 3);
}

TEST_CASE("a device that is not ready, or is reset, takes nothing", "[virtio_net]") {
    Guest a;
    Guest b;
    a.net_wire.to = &b.net;
    a.start();
    a.send({}, frame_of(100));
    CHECK(a.net_wire.last == Taken::never);
    b.start();
    b.make_room(1, 2048);
    b.device.reset();
    a.send({}, frame_of(100));
    CHECK(a.net_wire.last == Taken::never);
    CHECK(b.used(0) == 0);
}

TEST_CASE("many frames take turns", "[virtio_net]") {
    Guest guest;
    guest.start();
    guest.memory.store(GuestPhys{Guest::tx_at}, PacketHeader{});
    for (int n = 0; n < 8; ++n)
        guest.offer(1, 0, {{Guest::tx_at, 12 + 1500}});
    guest.memory.piece_size = 4096;
    guest.notify(1);
    CHECK(guest.used(1) == 8);
    Guest large;
    large.start(Guest::usual | feature::host_tso4);
    large.memory.store(GuestPhys{Guest::tx_at}, to_cut(1, 1448, 1));
    for (int n = 0; n < 4; ++n)
        large.offer(1, 0, {{Guest::tx_at, 12 + 60000}});
    large.notify(1);
    CHECK(large.used(1) == 2);  // 64 KiB and what was begun
    CHECK(large.owner.wanted == 1);
    while (large.device.work()) {
    }
    CHECK(large.used(1) == 4);
}
