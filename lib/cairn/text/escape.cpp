// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/escape.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace cairn {
namespace {

struct CodePoints {
    std::uint32_t first, last;
};

/// Categories C (other) and Z (separator) of Unicode beyond ASCII, as far as known here.
constexpr CodePoints unprintable[] = {
    {0x80, 0xa0},     {0xad, 0xad},       {0x1680, 0x1680},    {0x2000, 0x200f}, {0x2028, 0x202f},
    {0x205f, 0x206f}, {0x3000, 0x3000},   {0xe000, 0xf8ff},    {0xfeff, 0xfeff}, {0xfff0, 0xfffb},
    {0xfffe, 0xffff}, {0xe0000, 0xe00ff}, {0xe01f0, 0x10ffff},
};

/// Writes \u{1f} or, for a byte that is no UTF-8, \x{ff}.
void write_hex(Writer& writer, char kind, std::uint32_t value) {
    std::array<char, 12> text{};
    std::size_t at = text.size();
    text[--at] = '}';
    do {
        text[--at] = "0123456789abcdef"[value % 16];
        value /= 16;
    } while (value != 0);
    text[--at] = '{';
    text[--at] = kind;
    text[--at] = '\\';
    writer.write({text.data() + at, text.size() - at});
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

/// The first byte after a lead decides whether a sequence is overlong, a surrogate or too large
/// (Unicode standard, table 3-7).
bool may_follow(char lead, char second) {
    const auto byte = static_cast<unsigned char>(second);
    switch (static_cast<unsigned char>(lead)) {
        case 0xe0: return byte >= 0xa0 && byte < 0xc0;
        case 0xed: return byte >= 0x80 && byte < 0xa0;
        case 0xf0: return byte >= 0x90 && byte < 0xc0;
        case 0xf4: return byte >= 0x80 && byte < 0x90;
        default: return is_continuation(second);
    }
}

/// The length of the sequence that a byte starts; 0 for one that cannot start any.
std::size_t sequence_length(char lead) {
    const auto byte = static_cast<unsigned char>(lead);
    if (byte < 0x80) return 1;
    if (byte < 0xc2 || byte > 0xf4) return 0;
    return static_cast<std::size_t>(std::countl_one(byte));
}

}  // namespace

Escaper::Escaper(Writer& writer, char quote) : writer_(writer), quote_(quote) {
    writer_.write({&quote_, 1});
}

void Escaper::put(std::string_view text) {
    for (const char c : text) {
        put(c);
    }
}

void Escaper::put(char c) {
    if (used_ == 0) return start(c);
    const bool fits = used_ == 1 ? may_follow(pending_[0], c) : is_continuation(c);
    if (!fits) {
        escape_pending();
        return start(c);
    }
    pending_[used_++] = c;
    if (used_ == wanted_) write_code_point();
}

void Escaper::start(char c) {
    wanted_ = sequence_length(c);
    if (wanted_ == 1) return write_ascii(c);
    pending_[0] = c;
    used_ = 1;
    if (wanted_ == 0) escape_pending();
}

void Escaper::escape_pending() {
    for (std::size_t i = 0; i < used_; ++i) {
        write_hex(writer_, 'x', static_cast<unsigned char>(pending_[i]));
    }
    used_ = 0;
}

void Escaper::write_code_point() {
    std::uint32_t point = static_cast<unsigned char>(pending_[0]) & (0x7fu >> wanted_);
    for (std::size_t i = 1; i < used_; ++i) {
        point = point << 6 | (static_cast<unsigned char>(pending_[i]) & 0x3fu);
    }
    const bool hidden = std::ranges::any_of(unprintable, [point](const CodePoints& range) {
        return point >= range.first && point <= range.last;
    });
    if (hidden) {
        write_hex(writer_, 'u', point);
    } else {
        writer_.write({pending_.data(), used_});
    }
    used_ = 0;
}

void Escaper::write_ascii(char c) {
    constexpr std::string_view special = "\t\n\r\\";
    constexpr std::string_view letters = "tnr\\";
    if (const std::size_t at = special.find(c); at != special.npos) {
        const char text[] = {'\\', letters[at]};
        writer_.write({text, 2});
    } else if (c == quote_) {
        const char text[] = {'\\', c};
        writer_.write({text, 2});
    } else if (c < ' ' || c == '\x7f') {
        write_hex(writer_, 'u', static_cast<unsigned char>(c));
    } else {
        writer_.write({&c, 1});
    }
}

void Escaper::finish() {
    escape_pending();
    writer_.write({&quote_, 1});
}

}  // namespace cairn
