// SPDX-License-Identifier: MIT
// The modes of the hypervisor's own translation, which maps every address to itself, and the value
// of `satp`. RISC-V Privileged Architecture, "Supervisor Address Translation and Protection (satp)
// Register", "Sv39", "Sv48" and "Sv57". Values only.
//
// An address of these modes is sign-extended, so what is mapped to itself lies in the lower half
// of them: 256 GiB in Sv39. A hart with one mode has all narrower ones too.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "kernel/arch/isa/csr.hpp"
#include "kernel/arch/isa/page_table_entry.hpp"

namespace cairn {

/// The specification's name of `mode`.
[[nodiscard]] constexpr std::string_view to_string(SatpMode mode) {
    switch (mode) {
        case SatpMode::bare: return "Bare";
        case SatpMode::sv39: return "Sv39";
        case SatpMode::sv48: return "Sv48";
        case SatpMode::sv57: return "Sv57";
    }
    return "a mode that the specification reserves";
}

namespace stage1 {

/// The format of a mode that is not bare.
[[nodiscard]] constexpr PageTableFormat format(SatpMode mode) {
    return {.levels = static_cast<unsigned>(mode) - static_cast<unsigned>(SatpMode::sv39) + 3};
}

/// The first address that cannot be mapped to itself: 256 GiB, 128 TiB, 64 PiB.
[[nodiscard]] constexpr HostPhys identity_end(SatpMode mode) {
    return {1ull << (format(mode).input_bits() - 1)};
}

/// The narrowest mode that can map everything below `end` to itself; nothing where there is none.
[[nodiscard]] constexpr std::optional<SatpMode> narrowest_mode(HostPhys end) {
    for (const SatpMode mode : {SatpMode::sv39, SatpMode::sv48, SatpMode::sv57}) {
        if (end <= identity_end(mode)) return mode;
    }
    return std::nullopt;
}

/// Whether a hart whose node says `mmu_type` has `mode`. One that says nothing has to be tried.
[[nodiscard]] constexpr bool has_mode(std::string_view mmu_type, SatpMode mode) {
    if (mmu_type == "riscv,none") return false;
    if (mmu_type == "riscv,sv39") return mode <= SatpMode::sv39;
    if (mmu_type == "riscv,sv48") return mode <= SatpMode::sv48;
    return true;
}

/// The value of satp for the only address space there is.
[[nodiscard]] constexpr std::uint64_t satp(SatpMode mode, HostPhys root) {
    return Satp::MODE::of(mode) | Satp::PPN::of(root.value >> paging::page_bits);
}

}  // namespace stage1

static_assert(stage1::format(SatpMode::sv39).input_bits() == 39);
static_assert(stage1::format(SatpMode::sv57).input_bits() == 57);
static_assert(stage1::identity_end(SatpMode::sv39) == HostPhys{256ull << 30});
static_assert(stage1::narrowest_mode({256ull << 30}) == SatpMode::sv39);
static_assert(stage1::narrowest_mode({(256ull << 30) + 1}) == SatpMode::sv48);
static_assert(stage1::narrowest_mode({1ull << 56}) == SatpMode::sv57);
static_assert(!stage1::narrowest_mode({(1ull << 56) + 1}));
static_assert(stage1::satp(SatpMode::sv39, {0x8000'4000}) == 0x8000'0000'0008'0004);

}  // namespace cairn
