// SPDX-License-Identifier: MIT
// Lines and their ends are kernel/manager/commands/heap_map_test.cpp's.
#include "kernel/manager/commands/letter_map.hpp"

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

TEST_CASE("of kinds that are as many, the first has the letter", "[letter_map]") {
    LetterMap map("ab", 2 * LetterMap::width * LetterMap::most_lines);
    REQUIRE(map.things_of_letter() == 2);
    CHECK_FALSE(map.take(1));
    CHECK_FALSE(map.take(0));
    CHECK_FALSE(map.take(1));
    CHECK(map.finish());
    CHECK(map.line() == "ab");
    CHECK_FALSE(LetterMap("ab", 5).finish());
}

}  // namespace
}  // namespace cairn
