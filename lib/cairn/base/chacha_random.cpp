// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/chacha_random.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cairn {
namespace {

void quarter_round(ChachaState& s, std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
    s[a] += s[b];
    s[d] = std::rotl(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = std::rotl(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = std::rotl(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = std::rotl(s[b] ^ s[c], 7);
}

/// "expa" "nd 3" "2-by" "te k" as little-endian words (RFC 8439, section 2.3).
constexpr std::array<std::uint32_t, 4> constants{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

}  // namespace

ChachaState chacha20_block(const ChachaState& state) {
    ChachaState working = state;
    for (int double_round = 0; double_round < 10; ++double_round) {
        for (std::size_t i = 0; i < 4; ++i) {  // columns
            quarter_round(working, i, 4 + i, 8 + i, 12 + i);
        }
        for (std::size_t i = 0; i < 4; ++i) {  // diagonals
            quarter_round(working, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
        }
    }
    for (std::size_t i = 0; i < working.size(); ++i) {
        working[i] += state[i];
    }
    return working;
}

ChachaRandom::ChachaRandom(std::span<const std::byte> seed, std::uint64_t salt) : salt_(salt) {
    stir(seed);
}

void ChachaRandom::stir(std::span<const std::byte> seed) {
    auto key = std::as_writable_bytes(std::span(key_));
    for (std::size_t i = 0; i < seed.size(); ++i) {
        key[i % key_size] ^= seed[i];
    }
}

void ChachaRandom::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        ChachaState state{};
        std::ranges::copy(constants, state.begin());
        std::ranges::copy(key_, state.begin() + 4);
        state[12] = static_cast<std::uint32_t>(blocks_);
        state[13] = static_cast<std::uint32_t>(blocks_ >> 32);
        state[14] = static_cast<std::uint32_t>(salt_);
        state[15] = static_cast<std::uint32_t>(salt_ >> 32);
        ++blocks_;
        const ChachaState block = chacha20_block(state);
        std::copy_n(block.begin(), key_.size(), key_.begin());
        const auto fresh = std::as_bytes(std::span(block)).subspan(key_size);
        const std::size_t count = std::min(out.size(), fresh.size());
        std::copy_n(fresh.begin(), count, out.begin());
        out = out.subspan(count);
    }
}

std::uint64_t ChachaRandom::next() {
    std::uint64_t value = 0;
    fill(std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

}  // namespace cairn
