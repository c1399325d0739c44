// SPDX-License-Identifier: MIT
#include "kernel/host/memory/range_list.hpp"

#include <rapidcheck.h>

#include <bitset>
#include <utility>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr std::size_t universe = 512;
using Model = std::bitset<universe>;

/// The ranges that a set of bytes has: maximal runs.
std::vector<HostRange> runs(const Model& model) {
    std::vector<HostRange> result;
    for (std::size_t at = 0; at < universe; ++at) {
        if (!model[at]) continue;
        const std::size_t start = at;
        while (at < universe && model[at])
            ++at;
        result.push_back({{start}, at - start});
    }
    return result;
}

HostRange random_range() {
    const auto base = *rc::gen::inRange<std::uint64_t>(0, universe);
    return {{base}, *rc::gen::inRange<std::uint64_t>(0, universe - base + 1)};
}

TEST_CASE("ranges agree with a set of bytes", "[range_list]") {
    const bool holds = rc::check("insert and remove", [] {
        RangeList list;
        Model model;
        const auto steps = *rc::gen::inRange(1, 60);
        for (int step = 0; step < steps; ++step) {
            const HostRange range = random_range();
            const bool insert = *rc::gen::arbitrary<bool>();
            const bool done = insert ? list.insert(range) : list.remove(range);
            RC_ASSERT(done);
            for (std::uint64_t i = 0; i < range.size; ++i)
                model[range.base.value + i] = insert;

            const std::vector<HostRange> expected = runs(model);
            RC_ASSERT(std::vector(list.ranges().begin(), list.ranges().end()) == expected);
            RC_ASSERT(list.bytes() == model.count());
            const HostRange probe = random_range();
            std::size_t inside = 0;
            for (std::uint64_t i = 0; i < probe.size; ++i)
                inside += model[probe.base.value + i];
            RC_ASSERT(list.contains(probe) == (inside == probe.size));
            RC_ASSERT(list.intersects(probe) == (inside != 0));
        }
    });
    CHECK(holds);
}

TEST_CASE("a full list refuses one more range and stays as it was", "[range_list]") {
    RangeList list;
    for (std::uint64_t i = 0; i < RangeList::capacity; ++i) {
        REQUIRE(list.insert({{i * 10}, 4}));
    }
    const std::vector before(list.ranges().begin(), list.ranges().end());
    CHECK_FALSE(list.insert({{5}, 1}));
    CHECK_FALSE(list.remove({{1}, 1}));
    CHECK(std::vector(list.ranges().begin(), list.ranges().end()) == before);
    // What does not need another range still works.
    CHECK(list.insert({{4}, 6}));
    CHECK(list.ranges()[0] == HostRange{{0}, 14});
    CHECK(list.ranges().size() == RangeList::capacity - 1);
    CHECK(list.remove({{5}, 1}));
    CHECK(list.ranges().size() == RangeList::capacity);
}

}  // namespace
}  // namespace cairn
