// SPDX-License-Identifier: MIT
#include "kernel/dev/net/offload_set.hpp"

#include "tests/unit/catch.hpp"

using namespace cairn;
namespace feature = virtio_net::feature;
namespace segments = virtio_net::segments;

namespace {

constexpr OffloadSet all{.csum = true, .tso4 = true, .tso6 = true};

virtio_net::PacketHeader partial() {
    return {.flags = virtio_net::needs_csum,
            .gso_type = segments::none,
            .hdr_len = 0,
            .gso_size = 0,
            .csum_start = 34,
            .csum_offset = 16,
            .num_buffers = 0};
}
virtio_net::PacketHeader to_be_cut(std::uint8_t type) {
    auto header = partial();
    header.gso_type = type;
    header.gso_size = 1448;
    return header;
}

}  // namespace

TEST_CASE("each way has features of its own", "[offload_set]") {
    const auto sent = OffloadSet::to_device(feature::csum | feature::host_tso6);
    CHECK((sent.csum && !sent.tso4 && sent.tso6));
    const auto received = OffloadSet::to_driver(feature::guest_csum | feature::guest_tso4);
    CHECK((received.csum && received.tso4 && !received.tso6));
    const auto other = OffloadSet::to_driver(feature::csum | feature::host_tso4);
    CHECK((!other.csum && !other.tso4 && !other.tso6));
}

TEST_CASE("a set has what is left to be done, or not", "[offload_set]") {
    constexpr OffloadSet none;
    constexpr OffloadSet sums{.csum = true};
    constexpr OffloadSet v4{.csum = true, .tso4 = true};
    CHECK(none.has({}));
    CHECK_FALSE(none.has(partial()));
    CHECK(sums.has(partial()));
    CHECK_FALSE(sums.has(to_be_cut(segments::tcpv4)));
    CHECK(v4.has(to_be_cut(segments::tcpv4)));
    CHECK_FALSE(v4.has(to_be_cut(segments::tcpv6)));
    CHECK(all.has(to_be_cut(segments::tcpv6)));
}

TEST_CASE("a header is held against the frame's size", "[offload_set]") {
    CHECK(all.allows({}, OffloadSet::largest_frame));
    CHECK_FALSE(all.allows({}, OffloadSet::largest_frame + 1));
    CHECK(all.allows(partial(), 52));
    CHECK_FALSE(all.allows(partial(), 51));
    CHECK_FALSE(OffloadSet{}.allows(partial(), 60));
    auto far = partial();
    far.csum_start = far.csum_offset = 0xffff;  // their sum does not wrap
    CHECK_FALSE(all.allows(far, 1514));
    CHECK(all.allows(to_be_cut(segments::tcpv4), OffloadSet::largest_uncut));
    CHECK_FALSE(all.allows(to_be_cut(segments::tcpv4), OffloadSet::largest_uncut + 1));
    CHECK_FALSE(OffloadSet{.csum = true}.allows(to_be_cut(segments::tcpv6), 3000));
}

TEST_CASE("what is to be cut says how, and leaves its check sum", "[offload_set]") {
    auto nothing = to_be_cut(segments::tcpv4);
    nothing.gso_size = 0;
    CHECK_FALSE(all.allows(nothing, 3000));
    auto whole = to_be_cut(segments::tcpv6);
    whole.flags = 0;
    CHECK_FALSE(all.allows(whole, 3000));
    for (const unsigned type : {2u, 3u, 5u, 0x81u, 0xffu})
        CHECK_FALSE(all.allows(to_be_cut(static_cast<std::uint8_t>(type)), 3000));
}
