// SPDX-License-Identifier: MIT
// Numbers of 64 bits that drivers see as two words.
#pragma once

#include <cstdint>

namespace cairn {

[[nodiscard]] constexpr std::uint32_t low_word(std::uint64_t number) {
    return static_cast<std::uint32_t>(number);
}
[[nodiscard]] constexpr std::uint32_t high_word(std::uint64_t number) {
    return static_cast<std::uint32_t>(number >> 32);
}
constexpr void set_low_word(std::uint64_t& number, std::uint32_t word) {
    number = number >> 32 << 32 | word;
}
constexpr void set_high_word(std::uint64_t& number, std::uint32_t word) {
    number = std::uint64_t{word} << 32 | low_word(number);
}

}  // namespace cairn
