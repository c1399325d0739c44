// SPDX-License-Identifier: MIT
// Text from outside in a message, so that no file name moves the reader's cursor: what is not
// printable is escaped, and what is long is cut off. No allocation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "cairn/escape.hpp"
#include "cairn/writer.hpp"

namespace cairn {

struct Quoted {
    static constexpr std::size_t longest = 64;
    std::string_view text;
};

/// In single quotes, its first 64 bytes.
inline void format_value(Writer& out, const Quoted& quoted) {
    Escaper escaper(out, '\'');
    escaper.put(quoted.text.substr(0, Quoted::longest));
    escaper.finish();
    if (quoted.text.size() > Quoted::longest) out.write("...");
}

/// A path where quotes would disturb; in quotes only where something must be escaped.
struct Plain {
    std::string_view text;
};

inline void format_value(Writer& out, const Plain& plain) {
    const bool harmless =
        plain.text.size() <= Quoted::longest && std::ranges::all_of(plain.text, [](char c) {
            return c > ' ' && c < 0x7f && c != '\\' && c != '\'';
        });
    if (harmless) return out.write(plain.text);
    format_value(out, Quoted{plain.text});
}

}  // namespace cairn
