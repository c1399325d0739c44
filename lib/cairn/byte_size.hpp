// SPDX-License-Identifier: MIT
// Sizes in bytes as people write and read them: 512M, 0x4000K, "31.5 MiB".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cairn/writer.hpp"

namespace cairn {

/// Parses a decimal or 0x number, then optionally K, M, G or T (powers of 1024; KiB, MiB, GiB and
/// TiB mean the same; upper or lower case). Nothing where it is no size, or does not fit 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_byte_size(std::string_view text);

/// A number of bytes, formatted as a reader wants it: in bytes below 1 KiB, else in KiB, MiB or GiB
/// with at most one digit after the point, rounded to nearest.
struct ByteSize {
    std::uint64_t bytes = 0;
};
void format_value(Writer& out, const ByteSize& size);

}  // namespace cairn
