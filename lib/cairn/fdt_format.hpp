// SPDX-License-Identifier: MIT
// The flattened device tree's bytes: what the reader and the writer agree on.
// Devicetree Specification v0.4, chapter 5 "Flattened Devicetree (DTB) Format". Everything is
// big-endian; values in the tree are 4-byte aligned at best, so bytes are copied, never cast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cairn/big_endian.hpp"

namespace cairn {

// Section 5.2, the header: one 32-bit field per row.
enum class FdtHeaderField : std::uint8_t {
    magic = 0x00,               // 0xd00dfeed
    total_size = 0x04,          // bytes of the whole blob
    structure_offset = 0x08,    // structure block, 4-byte aligned
    strings_offset = 0x0c,      // strings block
    reservation_offset = 0x10,  // memory reservation block, 8-byte aligned
    version = 0x14,             // of the format
    last_version = 0x18,        // the oldest version this one is compatible with
    boot_cpu = 0x1c,            // physical id of the boot hart
    strings_size = 0x20,        // bytes
    structure_size = 0x24,      // bytes
};

inline constexpr std::size_t fdt_header_size = 0x28;
inline constexpr std::size_t fdt_reservation_size = 16;  // address and size, 64 bits each
inline constexpr std::uint32_t fdt_magic = 0xd00d'feed;
inline constexpr std::uint32_t fdt_version = 17;       // the one this code reads and writes
inline constexpr std::uint32_t fdt_last_version = 16;  // which version 17 is compatible with

// Section 5.4.1, the tokens of the structure block.
enum class FdtTag : std::uint32_t {
    begin_node = 1,  // name, NUL, padding
    end_node = 2,
    property = 3,  // length, offset of the name in the strings block, value, padding
    nop = 4,
    end = 9,
};

inline constexpr std::size_t fdt_tag_size = 4;
inline constexpr std::size_t fdt_property_header_size = 12;  // tag, length, offset of the name

/// Nodes may be nested this deep, the root being 1. Real trees stay below 10; QEMU's has 4.
inline constexpr std::size_t fdt_max_depth = 32;

/// Whether all of `name` may stand in the name of a node or property: printable and without '/',
/// which separates the names of a path. Section 2.2.1 allows fewer characters; real trees use more.
[[nodiscard]] constexpr bool is_fdt_name(std::string_view name) {
    for (const char c : name) {
        if (c <= ' ' || c >= '\x7f' || c == '/') return false;
    }
    return true;
}

}  // namespace cairn
