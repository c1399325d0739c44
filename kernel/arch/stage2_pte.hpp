// SPDX-License-Identifier: MIT
// What the ISA says about the G-stage page table: a page-table entry, the modes, and `hgatp`.
// RISC-V Privileged Architecture, "Sv39: Page-Based 39-bit Virtual-Memory System" (entry format,
// shared by all modes), "Two-Stage Address Translation" (the x4 root, U, G), and "hgatp Register".
// Values only; nothing here touches memory or a CSR.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "kernel/arch/csr.hpp"
#include "lib/field.hpp"

namespace cairn {

/// The modes of hgatp that translate.
enum class Stage2Mode : std::uint8_t {
    sv39x4 = 8,   ///< 41-bit guest physical addresses, 3 levels
    sv48x4 = 9,   ///< 50-bit, 4 levels
    sv57x4 = 10,  ///< 59-bit, 5 levels
};

/// The specification's name of `mode`.
[[nodiscard]] constexpr std::string_view to_string(Stage2Mode mode) {
    switch (mode) {
        case Stage2Mode::sv39x4: return "Sv39x4";
        case Stage2Mode::sv48x4: return "Sv48x4";
        case Stage2Mode::sv57x4: return "Sv57x4";
    }
    return "a mode that the specification reserves";
}

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

/// The value of hgatp; a VMID that does not fit into 14 bits is cut off.
[[nodiscard]] constexpr std::uint64_t hgatp(Stage2Mode mode, std::uint16_t vmid, HostPhys root) {
    return Hgatp::MODE::of(static_cast<HgatpMode>(mode)) | Hgatp::VMID::of(vmid) |
           Hgatp::PPN::of(root.value >> page_bits);
}

}  // namespace stage2

/// One entry of a G-stage page table.
struct Stage2Pte {
    using V = Bit<0>;           ///< valid
    using R = Bit<1>;           ///< readable
    using W = Bit<2>;           ///< writable; without R it is reserved
    using X = Bit<3>;           ///< executable
    using U = Bit<4>;           ///< user: every G-stage access counts as one
    using G = Bit<5>;           ///< global: unused in the G-stage, stays clear
    using A = Bit<6>;           ///< accessed
    using D = Bit<7>;           ///< dirty
    using PPN = Field<53, 10>;  ///< physical page number of the leaf or of the next table

    std::uint64_t bits = 0;

    constexpr bool operator==(const Stage2Pte&) const = default;

    /// A leaf with `permissions` (of R, W and X). A and D are set from the start: Cairn uses
    /// neither, and hardware without Svadu would fault to have them set.
    [[nodiscard]] static constexpr Stage2Pte leaf(HostPhys address, std::uint64_t permissions) {
        return {table(address).bits | permissions | U::mask | A::mask | D::mask};
    }
    /// A pointer to the next table; A, D and U are reserved in it.
    [[nodiscard]] static constexpr Stage2Pte table(HostPhys address) {
        return {PPN::of(address.value >> stage2::page_bits) | V::mask};
    }

    [[nodiscard]] constexpr bool is_valid() const { return V::get(bits); }
    [[nodiscard]] constexpr bool is_leaf() const {
        return is_valid() && (bits & (R::mask | W::mask | X::mask)) != 0;
    }
    [[nodiscard]] constexpr bool is_table() const { return is_valid() && !is_leaf(); }
    [[nodiscard]] constexpr HostPhys address() const {
        return {PPN::get(bits) << stage2::page_bits};
    }
};

static_assert(static_cast<HgatpMode>(Stage2Mode::sv39x4) == HgatpMode::sv39x4);
static_assert(static_cast<HgatpMode>(Stage2Mode::sv48x4) == HgatpMode::sv48x4);
static_assert(static_cast<HgatpMode>(Stage2Mode::sv57x4) == HgatpMode::sv57x4);
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
