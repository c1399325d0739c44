// SPDX-License-Identifier: MIT
// One 64-bit word into another in which every bit depends on every bit: the finaliser of SplitMix64
// (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014; constants of
// Stafford's variant 13). A bijection. For seals, hashes and test sequences, not for secrets.
#pragma once

#include <cstdint>

namespace cairn {

/// By how much SplitMix64 moves its state: 2^64 divided by the golden ratio, odd.
inline constexpr std::uint64_t golden_step = 0x9e37'79b9'7f4a'7c15;

[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t word) {
    word = (word ^ word >> 30) * 0xbf58'476d'1ce4'e5b9;
    word = (word ^ word >> 27) * 0x94d0'49bb'1331'11eb;
    return word ^ word >> 31;
}

// The generator's first two numbers from the seed 1234567.
static_assert(mix64(1234567 + golden_step) == 6457827717110365317U);
static_assert(mix64(1234567 + 2 * golden_step) == 3203168211198807973U);

}  // namespace cairn
