// SPDX-License-Identifier: MIT
#include "lib/container/static_vector.hpp"

#include <algorithm>
#include <ranges>
#include <span>

#include "tests/unit/catch.hpp"

namespace cairn {

static_assert(std::ranges::contiguous_range<StaticVector<int, 3>>);

TEST_CASE("a full StaticVector refuses, and keeps what it has", "[static_vector]") {
    StaticVector<int, 3> values;
    CHECK(values.empty());
    CHECK(values.capacity() == 3);
    for (const int value : {1, 2, 3})
        REQUIRE(values.try_push_back(value));
    CHECK(!values.try_push_back(4));
    CHECK(values.size() == 3);
    CHECK(std::ranges::equal(values, std::array{1, 2, 3}));
    values[1] = 5;
    const std::span<const int> seen = values;
    CHECK(seen.size() == 3);
    CHECK(seen[1] == 5);
    const StaticVector<int, 3> copy = values;
    values.clear();
    CHECK(values.empty());
    CHECK(std::ranges::equal(copy, std::array{1, 5, 3}));
    REQUIRE(values.try_push_back(9));
    CHECK(values.end() - values.begin() == 1);
}

}  // namespace cairn
