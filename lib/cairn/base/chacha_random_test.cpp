// SPDX-License-Identifier: MIT
#include "cairn/chacha_random.hpp"

#include <set>

#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("the block function gives RFC 8439's test vector", "[chacha_random]") {
    // RFC 8439, section 2.3.2: key 00..1f, nonce 00 00 00 09 00 00 00 4a 00 00 00 00, counter 1.
    const ChachaState start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 0x03020100, 0x07060504,
                            0x0b0a0908, 0x0f0e0d0c, 0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c,
                            0x00000001, 0x09000000, 0x4a000000, 0x00000000};
    const ChachaState expected{0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
                               0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
                               0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
                               0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
    CHECK(chacha20_block(start) == expected);
}

TEST_CASE("one seed and salt give one sequence, others another", "[chacha_random]") {
    const std::array<std::byte, 40> seed{std::byte{1}, std::byte{2}};
    ChachaRandom first(seed, 7);
    ChachaRandom same(seed, 7);
    ChachaRandom salted(seed, 8);
    std::set<std::uint64_t> values;
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t value = first.next();
        CHECK(value == same.next());
        values.insert(value);
        values.insert(salted.next());
    }
    CHECK(values.size() == 200);
}

TEST_CASE("fill writes every byte of any length and none beyond", "[chacha_random]") {
    for (std::size_t length = 0; length < 100; ++length) {
        ChachaRandom random({}, length);
        std::array<std::byte, 128> bytes{};
        std::array<bool, 128> changed{};
        for (int round = 0; round < 20; ++round) {
            random.fill(std::span(bytes).first(length));
            for (std::size_t i = 0; i < bytes.size(); ++i) {
                changed[i] = changed[i] || bytes[i] != std::byte{};
            }
        }
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            CHECK(changed[i] == (i < length));
        }
    }
}
