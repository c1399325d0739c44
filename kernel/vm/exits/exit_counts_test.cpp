// SPDX-License-Identifier: MIT
#include "kernel/vm/exits/exit_counts.hpp"

#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr ExitCause call{.scause = 10, .extension = 0x10, .function = 3};
constexpr ExitCause load{.scause = 21, .device = "UART"};

std::vector<ExitCounts::Count> all(ExitCounts& counts) {
    std::vector<ExitCounts::Count> found;
    counts.visit([&](const ExitCounts::Count& count) { found.push_back(count); });
    return found;
}

}  // namespace

TEST_CASE("exits are counted by cause, the most frequent first", "[exit_counts]") {
    ExitCounts counts;
    CHECK(all(counts).empty());
    counts.add(call, 30);
    counts.add(load, 150);
    counts.add(load, 200);
    counts.add(load, 40);
    const auto found = all(counts);
    REQUIRE(found.size() == 2);
    CHECK(found[0].cause == load);
    CHECK(found[0].exits == 3);
    CHECK(found[0].instructions == 390);
    CHECK(found[0].most == 200);
    CHECK(found[1].cause == call);
    CHECK(found[1].exits == 1);
    counts.add(call, 1);
    CHECK(all(counts)[1].exits == 2);
    CHECK(counts.others() == 0);
}

TEST_CASE("causes without room are counted together", "[exit_counts]") {
    ExitCounts counts;
    for (std::uint64_t function = 0; function < 50; ++function)
        counts.add({.scause = 10, .extension = 1, .function = function}, 0);
    CHECK(all(counts).size() == 48);
    CHECK(counts.others() == 2);
    counts.add({.scause = 10, .extension = 1, .function = 7}, 0);
    CHECK(counts.others() == 2);
    CHECK(all(counts).front().cause.function == 7);
}
