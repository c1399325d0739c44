// SPDX-License-Identifier: MIT
// Reading numbers from text. libc++'s std::from_chars with any base but ten computes in floating
// point, which a kernel does not link.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cairn/bits.hpp"

namespace cairn {

/// The value of digit `c` in `base` (up to 16, letters of either case), or nothing.
[[nodiscard]] constexpr std::optional<unsigned> digit_value(char c, unsigned base) {
    unsigned value = 16;
    if (c >= '0' && c <= '9') value = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') value = static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') value = static_cast<unsigned>(c - 'A') + 10;
    if (value >= base) return std::nullopt;
    return value;
}

/// Takes the digits off the front of `text`; nothing where there are none, or more than 64 bits
/// hold (then `text` stays somewhere among them).
[[nodiscard]] constexpr std::optional<std::uint64_t> take_digits(std::string_view& text,
                                                                 unsigned base) {
    if (text.empty() || !digit_value(text.front(), base)) return std::nullopt;
    std::uint64_t number = 0;
    while (!text.empty()) {
        const auto digit = digit_value(text.front(), base);
        if (!digit) break;
        const auto shifted = checked_multiply<std::uint64_t>(number, base);
        const auto sum = shifted ? checked_add<std::uint64_t>(*shifted, *digit) : std::nullopt;
        if (!sum) return std::nullopt;
        number = *sum;
        text.remove_prefix(1);
    }
    return number;
}

}  // namespace cairn
