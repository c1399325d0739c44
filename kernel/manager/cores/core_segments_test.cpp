// SPDX-License-Identifier: MIT
#include "kernel/manager/cores/core_segments.hpp"

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr GuestPhys base{0x8000'0000};
constexpr std::uint64_t page = CoreSegments::page;

TEST_CASE("zeros are left out, and each segment has those behind it", "[core_segments]") {
    CoreSegments segments(base, page);
    REQUIRE(segments.add_zeros(2 * page));
    REQUIRE(segments.add_stored(page));
    REQUIRE(segments.add_stored(page));
    REQUIRE(segments.add_zeros(page));
    REQUIRE(segments.add_zeros(page));
    REQUIRE(segments.add_stored(page));
    const auto all = segments.all();
    REQUIRE(all.size() == 3);
    CHECK(all[0] == CoreSegment{base, page, 0, 2 * page});
    CHECK(all[1] == CoreSegment{base + 2 * page, page, 2 * page, 4 * page});
    CHECK(all[2] == CoreSegment{base + 6 * page, 3 * page, page, page});
    CHECK(segments.next() == base + 7 * page);
    CHECK(segments.offset() == 4 * page);
}

TEST_CASE("a core that is full of segments stores zeros in its last", "[core_segments]") {
    CoreSegments segments(base, 0);
    for (std::size_t n = 0; n < CoreSegments::most; ++n) {
        REQUIRE_FALSE(segments.is_full());
        REQUIRE(segments.add_stored(page));
        if (!segments.is_full()) REQUIRE(segments.add_zeros(page));
    }
    REQUIRE(segments.is_full());
    REQUIRE(segments.add_stored(3 * page));
    REQUIRE(segments.all().size() == CoreSegments::most);
    CHECK(segments.all().back().stored == 4 * page);
    CHECK(segments.all().back().size == 4 * page);
}

}  // namespace
}  // namespace cairn
