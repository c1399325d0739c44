// SPDX-License-Identifier: MIT
#include "kernel/bundle/nearest_word.hpp"

#include <array>
#include <string>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr std::array<std::string_view, 6> words{"cpus",   "memory", "kernel",
                                                "initrd", "append", "disk"};

TEST_CASE("the nearest word is at most two edits away", "[nearest_word]") {
    CHECK(nearest_word("memroy", words) == "memory");  // a swap
    CHECK(nearest_word("mem", words) == std::nullopt);
    CHECK(nearest_word("memor", words) == "memory");
    CHECK(nearest_word("memoryy", words) == "memory");
    CHECK(nearest_word("Kernel", words) == "kernel");
    CHECK(nearest_word("initramfs", words) == std::nullopt);
    CHECK(nearest_word("cpu", words) == "cpus");
    CHECK(nearest_word("smp", words) == std::nullopt);
    CHECK(nearest_word("dsik", words) == "disk");
    CHECK(nearest_word("disk", words) == "disk");
    CHECK(nearest_word("", words) == std::nullopt);
    CHECK(nearest_word("x", words) == std::nullopt);
}

TEST_CASE("no word is near for two letters that both differ", "[nearest_word]") {
    constexpr std::array<std::string_view, 1> two{"ab"};
    CHECK(nearest_word("xy", two) == std::nullopt);
    CHECK(nearest_word("ay", two) == "ab");
}

TEST_CASE("long words are near to nothing", "[nearest_word]") {
    const std::string longest(32, 'a');
    const std::array<std::string_view, 1> list{longest};
    CHECK(nearest_word(std::string(31, 'a'), list) == longest);
    CHECK(nearest_word(std::string(33, 'a'), list) == std::nullopt);
    CHECK(nearest_word("a", {}) == std::nullopt);
}

}  // namespace
}  // namespace cairn
