// SPDX-License-Identifier: MIT
#include "lib/memory.hpp"

#include <cstring>
#include <random>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::size_t room = 400;

std::vector<unsigned char> noise(unsigned seed) {
    std::mt19937 random(seed);
    std::vector<unsigned char> bytes(room);
    for (auto& byte : bytes)
        byte = static_cast<unsigned char>(random());
    return bytes;
}

}  // namespace

TEST_CASE("copy is memcpy at every alignment and length", "[memory]") {
    const auto source = noise(1);
    for (std::size_t from = 0; from < 9; ++from) {
        for (std::size_t to = 0; to < 9; ++to) {
            for (std::size_t size = 0; size < 200; ++size) {
                auto mine = noise(2);
                auto expected = mine;
                std::memcpy(expected.data() + to, source.data() + from, size);
                CHECK(memory::copy(mine.data() + to, source.data() + from, size) ==
                      mine.data() + to);
                REQUIRE(mine == expected);
            }
        }
    }
}

TEST_CASE("move is memmove at every overlap", "[memory]") {
    for (std::size_t from = 0; from < 70; from += 1) {
        for (std::size_t to = 0; to < 70; ++to) {
            for (const std::size_t size : {0u, 1u, 7u, 8u, 15u, 16u, 17u, 64u, 131u, 200u}) {
                auto mine = noise(3);
                auto expected = mine;
                std::memmove(expected.data() + to, expected.data() + from, size);
                memory::move(mine.data() + to, mine.data() + from, size);
                REQUIRE(mine == expected);
            }
        }
    }
}

TEST_CASE("set is memset, and touches nothing else", "[memory]") {
    for (std::size_t to = 0; to < 9; ++to) {
        for (std::size_t size = 0; size < 200; ++size) {
            auto mine = noise(4);
            auto expected = mine;
            std::memset(expected.data() + to, 0x1a5, size);
            memory::set(mine.data() + to, 0x1a5, size);
            REQUIRE(mine == expected);
        }
    }
}

TEST_CASE("compare has memcmp's sign", "[memory]") {
    const auto sign = [](int value) { return (value > 0) - (value < 0); };
    for (std::size_t offset = 0; offset < 9; ++offset) {
        for (std::size_t size = 0; size < 100; ++size) {
            const auto left = noise(5);
            auto right = left;
            CHECK(memory::compare(left.data() + offset, right.data() + offset, size) == 0);
            for (std::size_t at = 0; at < size; ++at) {
                right = left;
                right[offset + at] ^= 0x80;
                REQUIRE(sign(memory::compare(left.data() + offset, right.data() + offset, size)) ==
                        sign(std::memcmp(left.data() + offset, right.data() + offset, size)));
            }
        }
    }
}
