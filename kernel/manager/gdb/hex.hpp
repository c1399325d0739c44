// SPDX-License-Identifier: MIT
// Hexadecimal digits as packets of the GDB remote protocol have them: numbers with the highest
// digit first, bytes in the order of memory. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/writer.hpp>

namespace cairn {

[[nodiscard]] constexpr std::optional<unsigned> hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
    if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A' + 10);
    return std::nullopt;
}

/// Takes a number of 1 to 16 digits from the front of `text`; nothing is taken where there is none.
[[nodiscard]] std::optional<std::uint64_t> take_hex(std::string_view& text);
/// Takes `letter` from the front of `text`; false where another is there.
[[nodiscard]] bool take_letter(std::string_view& text, char letter);
/// The bytes that the whole of `text` stands for, twice as long as `to`; false where it is not.
[[nodiscard]] bool parse_hex_bytes(std::string_view text, std::span<std::byte> to);
void put_hex_bytes(std::span<const std::byte> bytes, Writer& out);

}  // namespace cairn
