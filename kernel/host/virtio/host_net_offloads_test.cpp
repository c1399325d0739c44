// SPDX-License-Identifier: MIT
// What the machine's network device is left with, and leaves to others: features, large frames, and
// devices that say what cannot be.
#include <array>
#include <cstring>
#include <vector>

#include "kernel/host/virtio/host_net.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/host_net_bench.hpp"

using namespace cairn;
using namespace cairn::test;
namespace feature = virtio_net::feature;
namespace segments = virtio_net::segments;

namespace {

constexpr std::uint64_t all = feature::csum | feature::guest_csum | feature::host_tso4 |
                              feature::host_tso6 | feature::guest_tso4 | feature::guest_tso6 |
                              feature::mrg_rxbuf;
constexpr virtio_net::PacketHeader to_be_cut{.flags = virtio_net::needs_csum,
                                             .gso_type = segments::tcpv4,
                                             .hdr_len = 54,
                                             .gso_size = 1448,
                                             .csum_start = 34,
                                             .csum_offset = 16,
                                             .num_buffers = 0};

/// The lower word of what the driver has said last.
std::uint64_t accepted(const HostDevice& device) {
    using virtio_mmio::Register;
    std::uint64_t features = 0;
    std::uint32_t word = 0;
    for (const auto& [which, value] : device.writes) {
        if (which == Register::driver_features_sel) word = value;
        if (which == Register::driver_features && word == 0) features = value;
    }
    return features;
}

}  // namespace

TEST_CASE("of what is offered that is used which has all it needs", "[host_net_offloads]") {
    struct Case {
        std::uint64_t offers;
        std::uint64_t used;
    };
    constexpr std::uint64_t guest_side = feature::guest_csum | feature::guest_tso4;
    for (const bool legacy : {false, true}) {
        for (const auto& [offers, used] : {
                 Case{0, 0},
                 Case{all, all},
                 Case{feature::mrg_rxbuf, feature::mrg_rxbuf},
                 Case{all & ~feature::csum,
                      all & ~(feature::csum | feature::host_tso4 | feature::host_tso6)},
                 Case{feature::csum | feature::host_tso6, feature::csum | feature::host_tso6},
                 Case{guest_side, feature::guest_csum},
                 Case{guest_side | feature::mrg_rxbuf, guest_side | feature::mrg_rxbuf},
                 Case{feature::guest_tso6 | feature::mrg_rxbuf, feature::mrg_rxbuf},
             }) {
            CAPTURE(legacy, offers);
            NetBench bench(legacy);
            bench.function.offers = offers;
            REQUIRE(bench.start());
            CHECK((bench.net->features() & all) == used);
            CHECK(accepted(bench.device) == used);
        }
    }
}

TEST_CASE("a frame is sent with what is left to the device", "[host_net_offloads]") {
    for (const bool legacy : {false, true}) {
        CAPTURE(legacy);
        NetBench bench(legacy);
        bench.function.offers = all;
        REQUIRE(bench.start());
        bench.header_of_sent = to_be_cut;
        const Bytes frame = frame_of(HostNet::most_uncut);
        REQUIRE(bench.send(frame, &bench, 4096));
        const std::span<const std::byte> sent(bench.function.sent.at(0));
        CHECK(std::memcmp(sent.data(), &to_be_cut, sizeof to_be_cut) == 0);
        CHECK(is_same(sent.subspan(sizeof to_be_cut), frame));
    }
}

TEST_CASE("a large frame comes in several buffers, in turn with others", "[host_net_offloads]") {
    for (const bool legacy : {false, true}) {
        CAPTURE(legacy);
        NetBench bench(legacy);
        bench.function.offers = all;
        REQUIRE(bench.start());
        for (unsigned n = 0; n < 50; ++n) {
            const std::size_t size = n == 0 ? HostNet::most_uncut : 1 + n * 6151 % 60'000;
            const Bytes large = frame_of(size + 14, n);
            const Bytes small = frame_of(60 + n, n);
            if (large.size() <= HostNet::most_uncut) bench.arrive(large, to_be_cut);
            bench.arrive(small);
            bench.work();
            if (large.size() <= HostNet::most_uncut) {
                const auto first = bench.net->take_received();
                REQUIRE((first && is_same(*first, large)));
                CHECK(first->header.gso_size == 1448);
                CHECK(first->header.csum_start == 34);
                CHECK(first->pieces.front().size() >= 14);
                bench.net->done_with(*first);
            }
            const auto second = bench.net->take_received();
            REQUIRE((second && is_same(*second, small)));
            CHECK(second->header.flags == 0);
            bench.net->done_with(*second);
            CHECK_FALSE(bench.net->take_received());
        }
        CHECK(bench.net->dropped() == 0);
    }
}

TEST_CASE("the largest frame fits, and a larger one is dropped", "[host_net_offloads]") {
    NetBench bench;
    bench.function.offers = all;
    REQUIRE(bench.start());
    const Bytes largest = frame_of(HostNet::most_uncut);
    for (int n = 0; n < 5; ++n) {
        bench.arrive(largest, to_be_cut);
        bench.arrive(frame_of(HostNet::most_uncut + 1), to_be_cut);
        bench.arrive(frame_of(1515));  // it is not to be cut
        bench.work();
        const auto received = bench.net->take_received();
        REQUIRE((received && is_same(*received, largest)));
        CHECK(received->pieces.size() == HostNet::most_received_pieces);
        bench.net->done_with(*received);
        CHECK_FALSE(bench.net->take_received());
    }
    CHECK(bench.net->dropped() == 10);
    CHECK(bench.net->works());
}

TEST_CASE("a frame of more buffers than are used ends the device", "[host_net_offloads]") {
    NetBench bench;
    bench.function.offers = all;
    REQUIRE(bench.start());
    const Bytes frame = frame_of(60);
    SECTION("than any") {
        bench.arrive(frame, of_buffers(2));
    }
    SECTION("than the largest has") {
        bench.arrive(frame, of_buffers(HostNet::most_received_pieces + 1));
        for (std::size_t n = 0; n < HostNet::most_received_pieces; ++n)
            bench.arrive(frame);
    }
    SECTION("than there can be") {
        bench.arrive(frame, of_buffers(0xffff));
    }
    bench.work();
    bench.wanted = 0;
    CHECK_FALSE(bench.net->take_received());
    CHECK_FALSE(bench.net->works());
    CHECK(bench.wanted == 1);
    CHECK(bench.device.read(virtio_mmio::Register::status) == 0);  // it was reset
}

TEST_CASE("without merged buffers nobody asks how many there are", "[host_net_offloads]") {
    for (const bool legacy : {false, true}) {
        CAPTURE(legacy);
        NetBench bench(legacy);
        bench.function.offers = all & ~feature::mrg_rxbuf;
        REQUIRE(bench.start());
        auto header = of_buffers(77);
        header.flags = virtio_net::needs_csum;
        header.csum_start = 34;
        header.csum_offset = 16;
        bench.arrive(frame_of(1514), header);
        bench.work();
        const auto received = bench.net->take_received();
        REQUIRE((received && is_same(*received, frame_of(1514))));
        CHECK(received->header.csum_offset == 16);
        CHECK(bench.net->works());
    }
}
