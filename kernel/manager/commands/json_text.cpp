// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/commands/json_text.hpp"

#include <algorithm>
#include <cstdint>

#include <cairn/print.hpp>

namespace cairn {
namespace {

constexpr std::string_view replacement = "\\ufffd";

std::uint32_t byte_at(std::string_view text, std::size_t index) {
    return static_cast<unsigned char>(text[index]);
}

/// The length of the UTF-8 sequence that `text` begins with (RFC 3629); 0: it is none.
std::size_t sequence_length(std::string_view text) {
    const std::uint32_t first = byte_at(text, 0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    std::uint32_t code = first & (0x7f >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
        code = code << 6 | (byte_at(text, i) & 0x3f);
    }
    const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x1'0000);
    const bool is_surrogate = code >= 0xd800 && code < 0xe000;
    return is_overlong || is_surrogate || code > 0x10'ffff ? 0 : length;
}

void write_ascii(Writer& out, char c) {
    switch (c) {
        case '"': return out.write("\\\"");
        case '\\': return out.write("\\\\");
        case '\n': return out.write("\\n");
        case '\t': return out.write("\\t");
        default: break;
    }
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (is_control) return print(out, "\\u{:04x}", static_cast<unsigned char>(c));
    out.write({&c, 1});
}

}  // namespace

void write_json_string(Writer& out, std::string_view text) {
    out.write("\"");
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 1) {
            write_ascii(out, text.front());
        } else {
            out.write(length == 0 ? replacement : text.substr(0, length));
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    out.write("\"");
}

}  // namespace cairn
