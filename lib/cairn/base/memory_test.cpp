// SPDX-License-Identifier: MIT
#include "cairn/base/memory.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::size_t room = 400;

using Bytes = std::vector<unsigned char>;

Bytes noise(unsigned seed) {
    std::mt19937 random(seed);
    Bytes bytes(room);
    for (auto& byte : bytes)
        byte = static_cast<unsigned char>(random());
    return bytes;
}

/// The first `size` of `bytes`, in a block of that size.
Bytes some(const Bytes& bytes, std::size_t size) {
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
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
            for (const std::size_t size : {0u, 1u, 7u, 8u, 15u, 16u, 17u, 64u, 131u, 200u, 330u}) {
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

TEST_CASE("rounds of many words fit together", "[memory]") {
    for (std::size_t from = 0; from < 9; ++from) {
        for (std::size_t to = 0; to < 9; ++to) {
            for (const std::size_t size : {255u, 256u, 300u, 390u}) {
                const auto source = noise(6);
                auto mine = noise(7);
                auto expected = mine;
                std::memcpy(expected.data() + to, source.data() + from, size);
                memory::copy(mine.data() + to, source.data() + from, size);
                REQUIRE(mine == expected);
            }
        }
    }
}

// Of blocks that end with the range, so that the address sanitizer sees a byte too far.
TEST_CASE("nothing behind a range is read", "[memory]") {
    for (std::size_t from = 0; from < 8; ++from) {
        for (std::size_t to = 0; to < 8; ++to) {
            for (std::size_t size = 0; size < 150; ++size) {
                const Bytes source = some(noise(8), from + size);
                Bytes copied(to + size);
                memory::copy(copied.data() + to, source.data() + from, size);
                REQUIRE(std::equal(copied.begin() + static_cast<std::ptrdiff_t>(to), copied.end(),
                                   source.begin() + static_cast<std::ptrdiff_t>(from)));
                REQUIRE(memory::compare(copied.data() + to, source.data() + from, size) == 0);
                // Moved up within a block of its own.
                Bytes moved = some(noise(9), from + to + size);
                const Bytes before = moved;
                memory::move(moved.data() + from + to, moved.data() + from, size);
                REQUIRE(std::equal(moved.begin() + static_cast<std::ptrdiff_t>(from + to),
                                   moved.end(),
                                   before.begin() + static_cast<std::ptrdiff_t>(from)));
            }
        }
    }
}

TEST_CASE("compare finds the first difference at every pair of alignments", "[memory]") {
    const auto sign = [](int value) { return (value > 0) - (value < 0); };
    constexpr std::size_t size = 45;
    const Bytes bytes = some(noise(10), size);
    for (std::size_t left = 0; left < 8; ++left) {
        for (std::size_t right = 0; right < 8; ++right) {
            Bytes a(left), b(right);
            a.insert(a.end(), bytes.begin(), bytes.end());
            b.insert(b.end(), bytes.begin(), bytes.end());
            const auto compared = [&] {
                return sign(memory::compare(a.data() + left, b.data() + right, size));
            };
            REQUIRE(compared() == 0);
            for (std::size_t at = 0; at < size; ++at) {
                b[right + at] ^= 0x80;
                // Later differences, both ways, do not count.
                if (at + 1 < size) b[right + at + 1] ^= 0xff;
                REQUIRE(compared() == (a[left + at] < b[right + at] ? -1 : 1));
                b[right + at] ^= 0x80;
                if (at + 1 < size) b[right + at + 1] ^= 0xff;
            }
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
