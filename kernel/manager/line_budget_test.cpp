// SPDX-License-Identifier: MIT
#include "kernel/manager/line_budget.hpp"

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::uint64_t second = 1000;  // ticks

/// How many of `count` lines at `now` are said.
std::uint64_t said(LineBudget& budget, std::uint64_t count, std::uint64_t now) {
    std::uint64_t lines = 0;
    for (; count != 0; --count)
        lines += budget.take(now, second) ? 1 : 0;
    return lines;
}

}  // namespace

TEST_CASE("some lines at once, then one a second; the others are counted", "[line_budget]") {
    LineBudget budget;
    std::uint64_t now = 5 * second;
    CHECK(said(budget, 1000, now) == LineBudget::most_at_once);
    CHECK(budget.take_hidden() == 1000 - LineBudget::most_at_once);
    CHECK(budget.take_hidden() == 0);
    CHECK(said(budget, 10, now + second - 1) == 0);
    CHECK(said(budget, 10, now + second) == 1);
    now += 4 * second + second / 2;
    CHECK(said(budget, 10, now) == 3);
    CHECK(said(budget, 10, now + second / 2) == 1);  // halves are not lost
    CHECK(budget.take_hidden() == 10 + 9 + 7 + 9);
}

TEST_CASE("what is not used is kept up to what may be said at once", "[line_budget]") {
    LineBudget budget;
    CHECK(said(budget, 1000, second) == LineBudget::most_at_once);
    CHECK(said(budget, 1000, 1'000'000 * second) == LineBudget::most_at_once);
}
