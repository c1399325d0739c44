// SPDX-License-Identifier: MIT
// What the ISA says about the G-stage page table: a page-table entry, the modes, and `hgatp`.
// RISC-V Privileged Architecture, "Sv39: Page-Based 39-bit Virtual-Memory System" (entry format,
// shared by all modes), "Two-Stage Address Translation" (the x4 root, U, G), and "hgatp Register".
// Values only; nothing here touches memory or a CSR.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/arch/address.hpp"

namespace cairn {

/// hgatp.MODE (HSXLEN = 64).
enum class Stage2Mode : std::uint8_t {
    sv39x4 = 8,   ///< 41-bit guest physical addresses, 3 levels
    sv48x4 = 9,   ///< 50-bit, 4 levels
    sv57x4 = 10,  ///< 59-bit, 5 levels
};

namespace stage2 {

inline constexpr unsigned page_bits = 12;       ///< a level-0 leaf maps 4 KiB
inline constexpr unsigned index_bits = 9;       ///< a table below the root has 512 entries
inline constexpr unsigned root_extra_bits = 2;  ///< the root has four times as many
inline constexpr unsigned max_levels = 5;
inline constexpr unsigned host_address_bits = 56;  ///< PPN is 44 bits wide

inline constexpr std::uint64_t page_size = 1ull << page_bits;
inline constexpr std::size_t table_entries = 1u << index_bits;
inline constexpr std::size_t root_entries = table_entries << root_extra_bits;
inline constexpr std::size_t root_pages = 1u << root_extra_bits;
inline constexpr std::uint64_t root_size = page_size << root_extra_bits;  ///< and its alignment

/// Page-table levels of `mode`; the root is level `levels - 1`.
[[nodiscard]] constexpr unsigned levels(Stage2Mode mode) {
    return static_cast<unsigned>(mode) - static_cast<unsigned>(Stage2Mode::sv39x4) + 3;
}

/// The lowest address bit that an entry of `level` translates.
[[nodiscard]] constexpr unsigned level_shift(unsigned level) {
    return page_bits + level * index_bits;
}

/// Bytes that one leaf of `level` maps: 4 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB.
[[nodiscard]] constexpr std::uint64_t leaf_size(unsigned level) {
    return 1ull << level_shift(level);
}

/// Width of a guest physical address: 41, 50, 59.
[[nodiscard]] constexpr unsigned guest_address_bits(Stage2Mode mode) {
    return level_shift(levels(mode)) + root_extra_bits;
}

/// hgatp: MODE in bits 63:60, VMID in 57:44, PPN of the root in 43:0.
inline constexpr unsigned hgatp_mode_shift = 60;
inline constexpr unsigned hgatp_vmid_shift = 44;
inline constexpr unsigned vmid_bits = 14;

[[nodiscard]] constexpr std::uint64_t hgatp(Stage2Mode mode, std::uint16_t vmid, HostPhys root) {
    const std::uint64_t vmid_field = vmid & ((1u << vmid_bits) - 1);
    return static_cast<std::uint64_t>(mode) << hgatp_mode_shift | vmid_field << hgatp_vmid_shift |
           root.value >> page_bits;
}

}  // namespace stage2

/// One entry of a G-stage page table.
struct Stage2Pte {
    // name                                      bit         title
    static constexpr std::uint64_t valid = 1u << 0;     ///< V
    static constexpr std::uint64_t read = 1u << 1;      ///< R
    static constexpr std::uint64_t write = 1u << 2;     ///< W; W without R is reserved
    static constexpr std::uint64_t execute = 1u << 3;   ///< X
    static constexpr std::uint64_t user = 1u << 4;      ///< U: every G-stage access counts as user
    static constexpr std::uint64_t global = 1u << 5;    ///< G: reserved here, stays clear
    static constexpr std::uint64_t accessed = 1u << 6;  ///< A
    static constexpr std::uint64_t dirty = 1u << 7;     ///< D
    static constexpr unsigned ppn_shift = 10;           ///< PPN is bits 53:10
    static constexpr std::uint64_t ppn_mask = ((1ull << 44) - 1) << ppn_shift;

    std::uint64_t bits = 0;

    constexpr bool operator==(const Stage2Pte&) const = default;

    /// A leaf with `permissions` (of read, write, execute). A and D are set from the start: Cairn
    /// uses neither, and hardware without Svadu would fault to have them set.
    [[nodiscard]] static constexpr Stage2Pte leaf(HostPhys address, std::uint64_t permissions) {
        return {ppn(address) | permissions | valid | user | accessed | dirty};
    }
    /// A pointer to the next table; A, D and U are reserved in it.
    [[nodiscard]] static constexpr Stage2Pte table(HostPhys address) {
        return {ppn(address) | valid};
    }

    [[nodiscard]] constexpr bool is_valid() const { return (bits & valid) != 0; }
    [[nodiscard]] constexpr bool is_leaf() const {
        return is_valid() && (bits & (read | write | execute)) != 0;
    }
    [[nodiscard]] constexpr bool is_table() const { return is_valid() && !is_leaf(); }
    [[nodiscard]] constexpr HostPhys address() const {
        return {(bits & ppn_mask) >> ppn_shift << stage2::page_bits};
    }

  private:
    [[nodiscard]] static constexpr std::uint64_t ppn(HostPhys address) {
        return address.value >> stage2::page_bits << ppn_shift & ppn_mask;
    }
};

static_assert(sizeof(Stage2Pte) == 8);
static_assert(stage2::guest_address_bits(Stage2Mode::sv39x4) == 41);
static_assert(stage2::guest_address_bits(Stage2Mode::sv48x4) == 50);
static_assert(stage2::guest_address_bits(Stage2Mode::sv57x4) == 59);
static_assert(stage2::leaf_size(1) == 2ull << 20 && stage2::leaf_size(2) == 1ull << 30);
static_assert(stage2::root_entries * sizeof(Stage2Pte) == stage2::root_size);
static_assert(Stage2Pte::leaf({0xff'ffff'ffff'f000}, 0).address() == HostPhys{0xff'ffff'ffff'f000});
static_assert(Stage2Pte::table({0x8000'0000}).bits == 0x2000'0001);
static_assert(stage2::hgatp(Stage2Mode::sv39x4, 1, {0x8000'4000}) == 0x8000'1000'0008'0004);

}  // namespace cairn
