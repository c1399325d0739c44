// SPDX-License-Identifier: MIT
// The modes of the G-stage and the value of `hgatp`. RISC-V Privileged Architecture, "Two-Stage
// Address Translation" (the x4 root, U) and "hgatp Register". Values only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "kernel/arch/isa/csr.hpp"
#include "kernel/arch/isa/page_table_entry.hpp"

namespace cairn {

/// The modes of hgatp that translate.
enum class Stage2Mode : std::uint8_t {
    sv39x4 = 8,   ///< 41-bit guest physical addresses, 3 levels
    sv48x4 = 9,   ///< 50-bit, 4 levels
    sv57x4 = 10,  ///< 59-bit, 5 levels
};

/// The narrowest first.
inline constexpr std::array all_stage2_modes{Stage2Mode::sv39x4, Stage2Mode::sv48x4,
                                             Stage2Mode::sv57x4};

/// The specification's name of `mode`.
[[nodiscard]] constexpr std::string_view to_string(Stage2Mode mode) {
    switch (mode) {
        case Stage2Mode::sv39x4: return "Sv39x4";
        case Stage2Mode::sv48x4: return "Sv48x4";
        case Stage2Mode::sv57x4: return "Sv57x4";
    }
    return "a mode that the specification reserves";
}

/// What hgatp of a hart keeps.
struct Stage2Abilities {
    std::uint32_t modes = 0;  ///< bit n for the mode of that number
    unsigned vmid_bits = 0;   ///< VMIDLEN, with any mode: the lowest ones

    [[nodiscard]] constexpr bool has(Stage2Mode mode) const {
        return (modes >> static_cast<unsigned>(mode) & 1) != 0;
    }
    bool operator==(const Stage2Abilities&) const = default;
};

namespace stage2 {

/// The root is four tables wide, 16 KiB, and every access counts as one of user mode.
[[nodiscard]] constexpr PageTableFormat format(Stage2Mode mode) {
    return {.levels = static_cast<unsigned>(mode) - static_cast<unsigned>(Stage2Mode::sv39x4) + 3,
            .root_extra_bits = 2,
            .leaf_flags = Pte::U::mask};
}

/// The value of hgatp; a VMID that does not fit into 14 bits is cut off.
[[nodiscard]] constexpr std::uint64_t hgatp(Stage2Mode mode, std::uint16_t vmid, HostPhys root) {
    return Hgatp::MODE::of(static_cast<HgatpMode>(mode)) | Hgatp::VMID::of(vmid) |
           Hgatp::PPN::of(root.value >> paging::page_bits);
}

}  // namespace stage2

static_assert(static_cast<HgatpMode>(Stage2Mode::sv39x4) == HgatpMode::sv39x4);
static_assert(static_cast<HgatpMode>(Stage2Mode::sv48x4) == HgatpMode::sv48x4);
static_assert(static_cast<HgatpMode>(Stage2Mode::sv57x4) == HgatpMode::sv57x4);
static_assert(stage2::format(Stage2Mode::sv39x4).input_bits() == 41);
static_assert(stage2::format(Stage2Mode::sv48x4).input_bits() == 50);
static_assert(stage2::format(Stage2Mode::sv57x4).input_bits() == 59);
static_assert(stage2::format(Stage2Mode::sv39x4).root_size() == 16384);
static_assert(stage2::hgatp(Stage2Mode::sv39x4, 1, {0x8000'4000}) == 0x8000'1000'0008'0004);

}  // namespace cairn
