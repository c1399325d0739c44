// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/byte_size.hpp"

#include <array>
#include <cstddef>

#include "cairn/bits.hpp"
#include "cairn/print.hpp"
#include "cairn/text/digits.hpp"

namespace cairn {

namespace {

constexpr std::string_view letters = "KMGT";
constexpr std::array<std::string_view, 4> units{"bytes", "KiB", "MiB", "GiB"};

constexpr char to_lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// The power of two that a suffix stands for: "" is 0, "K" and "KiB" are 10, "M" is 20 ...
std::optional<unsigned> suffix_bits(std::string_view suffix) {
    if (suffix.empty()) return 0;
    for (std::size_t power = 0; power < letters.size(); ++power) {
        if (to_lower(suffix[0]) != to_lower(letters[power])) continue;
        const std::string_view rest = suffix.substr(1);
        const bool binary =
            rest.size() == 2 && to_lower(rest[0]) == 'i' && to_lower(rest[1]) == 'b';
        if (rest.empty() || binary) return static_cast<unsigned>(power + 1) * 10;
    }
    return std::nullopt;
}

/// Takes the number off `text`; nothing where there is none or it does not fit.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (hexadecimal) text.remove_prefix(2);
    return take_digits(text, hexadecimal ? 16 : 10);
}

}  // namespace

std::optional<std::uint64_t> parse_byte_size(std::string_view text) {
    const auto number = take_number(text);
    while (text.starts_with(' '))
        text.remove_prefix(1);
    const auto bits = suffix_bits(text);
    if (!number || !bits) return std::nullopt;
    return checked_multiply(*number, std::uint64_t{1} << *bits);
}

void format_value(Writer& out, const ByteSize& size) {
    std::size_t unit = 0;
    while (unit + 1 < units.size() && size.bytes >> (10 * (unit + 1)) != 0)
        ++unit;
    if (unit == 0) return print(out, "{} {}", size.bytes, size.bytes == 1 ? "byte" : units[0]);
    // Ten bits of the fraction are enough for one digit, and cannot overflow.
    const unsigned shift = static_cast<unsigned>(10 * unit);
    const std::uint64_t fraction = size.bytes >> (shift - 10) & 1023;
    const std::uint64_t tenths = (size.bytes >> shift) * 10 + (fraction * 10 + 512) / 1024;
    print(out, "{}", tenths / 10);
    if (tenths % 10 != 0) print(out, ".{}", tenths % 10);
    print(out, " {}", units[unit]);
}

}  // namespace cairn
