// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/host_net.hpp"

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/host_net_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using virtio_mmio::Register;

TEST_CASE("frames are received where they lie, modern or legacy", "[host_net]") {
    for (const unsigned kind : {0u, 1u, 2u, 3u}) {
        CAPTURE(kind);
        NetBench bench(kind % 2 != 0);
        if (kind / 2 != 0) bench.function.offers &= ~virtio_net::feature::mrg_rxbuf;
        REQUIRE(bench.start());
        CHECK(bench.net->works());
        CHECK(bench.net->mac() == HostNet::Mac{0x52, 0x54, 0, 0x12, 0x34, 0x56});
        CHECK(bench.net->mtu() == 1400);
        CHECK_FALSE(bench.net->take_received());
        const Bytes shortest = frame_of(14);
        const Bytes longest = frame_of(1514, 7);
        bench.arrive(shortest);
        bench.arrive(longest);
        bench.work();
        CHECK(bench.wanted == 1);
        CHECK_FALSE(bench.device.wire.up);
        const auto first = bench.net->take_received();
        const auto second = bench.net->take_received();
        REQUIRE((first && second));
        CHECK(is_same(*first, shortest));
        CHECK(is_same(*second, longest));
        CHECK_FALSE(bench.net->take_received());
        bench.net->done_with(*second);
        bench.net->done_with(*first);
        CHECK(bench.device.log.empty());
    }
}

TEST_CASE("a frame is sent from where it lies, behind a header of nothing", "[host_net]") {
    for (const bool legacy : {false, true}) {
        CAPTURE(legacy);
        NetBench bench(legacy);
        REQUIRE(bench.start());
        const Bytes frame = frame_of(1514);
        int token = 0;
        REQUIRE(bench.send(frame, &token));
        REQUIRE(bench.function.sent.size() == 1);
        const std::span<const std::byte> sent(bench.function.sent[0]);
        REQUIRE(sent.size() == bench.header_size() + frame.size());
        CHECK(is_same(sent.first(bench.header_size()), Bytes(bench.header_size())));
        CHECK(is_same(sent.subspan(bench.header_size()), frame));
        bench.work();
        CHECK(bench.wanted == 0);  // nobody has waited for it
        CHECK(bench.net->take_sent() == &token);
        CHECK(bench.net->take_sent() == std::nullopt);
    }
}

TEST_CASE("who waits for the end of a frame is told of it once", "[host_net]") {
    NetBench bench;
    bench.function.sleeps = true;
    REQUIRE(bench.start());
    int token = 0;
    const Bytes frame = frame_of(60);
    REQUIRE(bench.send(frame, &token));
    bench.net->await_sent();
    CHECK(bench.net->take_sent() == std::nullopt);
    bench.function.sleeps = false;
    bench.work();
    CHECK(bench.wanted == 1);
    CHECK(bench.net->take_sent() == &token);
    REQUIRE(bench.send(frame, &token));
    bench.work();
    CHECK(bench.wanted == 1);
}

TEST_CASE("a frame may have so many pieces", "[host_net]") {
    NetBench bench;
    REQUIRE(bench.start());
    const Bytes frame = frame_of(10 * HostNet::most_pieces);
    std::vector<std::span<const std::byte>> pieces;
    for (std::size_t n = 0; n < HostNet::most_pieces; ++n)
        pieces.push_back(std::span(frame).subspan(10 * n, 10));
    REQUIRE(bench.net->send(bench.header_of_sent, pieces, &bench));
    REQUIRE(bench.function.sent.size() == 1);
    CHECK(is_same(std::span(bench.function.sent[0]).subspan(bench.header_size()), frame));
}

TEST_CASE("buffers are lent again and again", "[host_net]") {
    NetBench bench;
    REQUIRE(bench.start());
    for (unsigned n = 0; n < 1000; ++n) {
        const Bytes frame = frame_of(60 + n % 1000, n);
        bench.arrive(frame);
        bench.work();
        const auto received = bench.net->take_received();
        REQUIRE((received && is_same(*received, frame)));
        bench.net->done_with(*received);
    }
}

TEST_CASE("no more frames are received than there are buffers", "[host_net]") {
    NetBench bench;
    std::size_t buffers = HostNet::most_buffers;
    SECTION("of its own") {}
    SECTION("in the device's queue") {
        bench.device.lies[Register::queue_num_max] = 32;
        buffers = 32;
    }
    SECTION("each with a descriptor for its header") {
        bench.device.lies[Register::queue_num_max] = 32;
        bench.function.offers &= ~virtio_net::feature::mrg_rxbuf;
        buffers = 16;
    }
    REQUIRE(bench.start());
    for (unsigned n = 0; n <= buffers; ++n)
        bench.arrive(frame_of(60, n));
    bench.work();
    std::vector<HostNet::Received> held;
    while (const auto received = bench.net->take_received()) {
        CHECK(is_same(*received, frame_of(60, static_cast<unsigned>(held.size()))));
        held.push_back(*received);
    }
    REQUIRE(held.size() == buffers);
    bench.net->done_with(held[3]);
    bench.work();
    const auto last = bench.net->take_received();
    REQUIRE(last);
    CHECK(is_same(*last, frame_of(60, static_cast<unsigned>(buffers))));
    CHECK(is_same(held[4], frame_of(60, 4)));  // nobody has touched those that are held
}

TEST_CASE("where there is no room a frame is not sent", "[host_net]") {
    NetBench bench;
    bench.function.sleeps = true;
    REQUIRE(bench.start());
    const Bytes frame = frame_of(60);
    std::array<int, 128> tokens{};
    std::size_t sent = 0;
    while (bench.send(frame, &tokens[sent]))
        REQUIRE(++sent < tokens.size());
    CHECK(sent == DriverQueue::max_size / 3);  // header and two pieces
    bench.function.sleeps = false;
    bench.work();
    for (std::size_t n = 0; n < sent; ++n)
        CHECK(bench.net->take_sent() == &tokens[n]);
    CHECK(bench.net->take_sent() == std::nullopt);
    CHECK(bench.send(frame, tokens.data()));
}

TEST_CASE("there are no interrupts while a turn is wanted, and none is missed", "[host_net]") {
    NetBench bench;
    REQUIRE(bench.start());
    bench.arrive(frame_of(60));
    bench.work();
    CHECK(bench.wanted == 1);
    bench.arrive(frame_of(61));
    bench.device.work();
    CHECK_FALSE(bench.device.wire.up);
    CHECK(bench.net->take_received()->size == 60);
    CHECK(bench.net->take_received()->size == 61);
    CHECK_FALSE(bench.net->take_received());
    bench.arrive(frame_of(62));
    bench.work();
    CHECK(bench.wanted == 2);
    CHECK(bench.net->take_received()->size == 62);
}

TEST_CASE("what is no frame is dropped and counted", "[host_net]") {
    NetBench bench;
    REQUIRE(bench.start());
    bench.function.wire.emplace_back(5);  // less than a header
    for (const std::size_t size : {0u, 13u, 1515u, 4084u})
        bench.arrive(frame_of(size));
    bench.arrive(frame_of(13), of_buffers(9));
    bench.arrive(frame_of(60));
    bench.work();
    const auto received = bench.net->take_received();
    REQUIRE(received);
    CHECK(received->size == 60);
    CHECK(bench.net->dropped() == 6);
    CHECK(bench.net->works());
}

TEST_CASE("a device that gives nothing but nonsense does not hold a hart", "[host_net]") {
    NetBench bench;
    REQUIRE(bench.start());
    for (unsigned n = 0; n < 1000; ++n)
        bench.arrive({});
    bench.arrive(frame_of(60));
    bench.work();
    int turns = 0;
    std::optional<HostNet::Received> received;
    while (!received) {
        REQUIRE(bench.wanted == ++turns);  // each asks for the next
        received = bench.net->take_received();
        bench.device.work();
        REQUIRE(turns < 100);
    }
    CHECK(turns > 5);
    CHECK(received->size == 60);
}

TEST_CASE("a device that breaks the rules gives back what is in flight", "[host_net]") {
    NetBench bench;
    bench.function.sleeps = true;
    REQUIRE(bench.start());
    const Bytes frame = frame_of(60);
    std::array<int, 3> tokens{};
    for (int& token : tokens)
        REQUIRE(bench.send(frame, &token));
    bench.arrive(frame);
    bench.work();
    const auto held = bench.net->take_received();
    REQUIRE(held);
    bench.wanted = 0;
    SECTION("where it receives") {
        bench.break_ring(virtio_net::receive_queue);
        CHECK_FALSE(bench.net->take_received());
        CHECK(bench.wanted == 1);
    }
    SECTION("where it sends") {
        bench.break_ring(virtio_net::transmit_queue);
    }
    for (int& token : tokens)
        CHECK(bench.net->take_sent() == &token);
    CHECK(bench.net->take_sent() == std::nullopt);
    CHECK_FALSE(bench.net->works());
    CHECK(bench.device.read(Register::status) == 0);  // it was reset
    CHECK_FALSE(bench.send(frame, tokens.data()));
    CHECK_FALSE(bench.net->take_received());
    bench.net->done_with(*held);  // is fine
    bench.net->interrupted();
}

TEST_CASE("a device without an address gets one, and the usual MTU", "[host_net]") {
    NetBench bench;
    SECTION("it does not offer them") {
        bench.function.offers = 0;
    }
    SECTION("it says one of a group") {
        bench.function.says.mac[0] = 1;
        bench.function.says.mtu = 9000;
    }
    SECTION("it says none") {
        bench.function.says = {};
        bench.function.says.mtu = 1500;
    }
    REQUIRE(bench.start());
    CHECK((bench.net->mac()[0] & 3) == 2);
    CHECK(bench.net->mac() != HostNet::Mac{0x52, 0x54, 0, 0x12, 0x34, 0x56});
    CHECK(bench.net->mtu() == 1500);
}

TEST_CASE("a device that cannot be used is left alone", "[host_net]") {
    NetBench bench;
    SECTION("its MTU is none") {
        bench.function.says.mtu = 67;
        CHECK(bench.start().error() == VirtioFault::bad_config);
    }
    SECTION("its queues are too small") {
        bench.device.lies[Register::queue_num_max] = 16;
        CHECK(bench.start().error() == VirtioFault::queue_too_small);
    }
    SECTION("its interrupt reaches nobody") {
        REQUIRE(bench.start());
        bench.net->leave();
        CHECK(bench.device.read(Register::status) == 0);
    }
    CHECK_FALSE(bench.net->works());
    CHECK_FALSE(bench.send(frame_of(60), &bench));
    CHECK(bench.net->take_sent() == std::nullopt);
    CHECK_FALSE(bench.net->take_received());
    bench.net->interrupted();
}

TEST_CASE("who comes late is told of what came before", "[host_net]") {
    NetBench bench;
    REQUIRE(bench.net->start(bench.device, HostSource::virtio));
    bench.arrive(frame_of(60));
    bench.work();
    CHECK(bench.wanted == 0);
    bench.net->serve(bench);
    CHECK(bench.wanted == 1);
    CHECK(bench.net->take_received()->size == 60);
}
