// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/gdb/hex.hpp"

namespace cairn {

std::optional<std::uint64_t> take_hex(std::string_view& text) {
    constexpr std::size_t most_digits = 16;
    std::uint64_t value = 0;
    std::size_t digits = 0;
    for (; digits < text.size(); ++digits) {
        const auto digit = hex_digit(text[digits]);
        if (!digit) break;
        if (digits == most_digits) return std::nullopt;
        value = value << 4 | *digit;
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    return value;
}

bool take_letter(std::string_view& text, char letter) {
    if (!text.starts_with(letter)) return false;
    text.remove_prefix(1);
    return true;
}

bool parse_hex_bytes(std::string_view text, std::span<std::byte> to) {
    if (text.size() != 2 * to.size()) return false;
    for (std::size_t n = 0; n < to.size(); ++n) {
        const auto high = hex_digit(text[2 * n]);
        const auto low = hex_digit(text[2 * n + 1]);
        if (!high || !low) return false;
        to[n] = static_cast<std::byte>(*high << 4 | *low);
    }
    return true;
}

void put_hex_bytes(std::span<const std::byte> bytes, Writer& out) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const std::byte byte : bytes) {
        const unsigned value = std::to_integer<unsigned>(byte);
        const char text[]{digits[value >> 4], digits[value & 0xf]};
        out.write({text, sizeof(text)});
    }
}

}  // namespace cairn
