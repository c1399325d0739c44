// SPDX-License-Identifier: MIT
#include "kernel/exit/sbi/sbi_harts.hpp"

#include <rapidcheck.h>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

/// The specification's words, hart by hart, in numbers that do not wrap.
std::optional<HartSet> naive(std::uint64_t mask, std::uint64_t base, unsigned count) {
    HartSet harts = 0;
    for (unsigned n = 0; n < 64; ++n) {
        if (base == ~0ull) {
            if (n < count) harts |= 1ull << n;
        } else if ((mask >> n & 1) != 0) {
            const auto hart = static_cast<unsigned __int128>(base) + n;
            if (hart >= count) return std::nullopt;
            harts |= 1ull << static_cast<unsigned>(hart);
        }
    }
    return harts;
}

}  // namespace

TEST_CASE("one hart: its bit, nothing, or all", "[sbi_harts]") {
    CHECK(select_harts(1, 0, 1) == HartSet{1});
    CHECK(select_harts(0, 0, 1) == HartSet{0});
    CHECK(select_harts(0, ~0ull, 1) == HartSet{1});
    CHECK(select_harts(~0ull, ~0ull, 1) == HartSet{1});
    CHECK(select_harts(3, 0, 1) == std::nullopt);
    CHECK(select_harts(1, 1, 1) == std::nullopt);
    // The base itself need not exist unless its bit is set; here no bit names one that does.
    CHECK(select_harts(0, 1000, 1) == HartSet{0});
    CHECK(select_harts(2, ~0ull - 1, 1) == std::nullopt);
}

TEST_CASE("any mask, base and count select what the specification says", "[sbi_harts]") {
    CHECK(rc::check([] {
        using rc::gen::arbitrary;
        constexpr std::uint64_t all_ones = ~std::uint64_t{0};
        using rc::gen::inRange;
        const auto count = *inRange(1u, 65u);
        const auto base =
            *rc::gen::oneOf(inRange<std::uint64_t>(0, 70), rc::gen::just(all_ones),
                            inRange(all_ones - 70, all_ones), arbitrary<std::uint64_t>());
        const auto wide =
            *rc::gen::oneOf(rc::gen::just<std::uint64_t>(0), inRange<std::uint64_t>(0, 16),
                            arbitrary<std::uint64_t>());
        const auto mask = wide >> *inRange(0, 64);
        RC_ASSERT(select_harts(mask, base, count) == naive(mask, base, count));
    }));
}
