// SPDX-License-Identifier: MIT
// Where a virtual address of a guest lies in its RAM, by its own page tables: as its hart would
// find it, but for permissions, which are nobody's here. RISC-V Privileged Architecture, "Virtual
// Address Translation Process", "Svnapot".
//
// Tables are input. They lie in the guest's RAM or are refused, each entry is read once, and a walk
// has as many steps as the mode has levels, whatever the tables say. Nothing is written: A and D
// stay. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "kernel/vm/memory/guest_memory.hpp"

namespace cairn {

enum class GuestTranslationError : std::uint8_t {
    reserved_mode,      ///< vsatp has a mode that the specification reserves
    not_canonical,      ///< bits above those that the mode translates are not its highest one
    table_outside_ram,  ///< an entry would lie where there is no RAM
    not_mapped,         ///< an entry is invalid, or the lowest one is no leaf
    reserved_entry,     ///< an entry has bits set that the specification reserves
    misaligned_leaf,    ///< a large leaf does not begin on its own size
};
/// What it means, as a clause: "it is not mapped".
[[nodiscard]] std::string_view to_string(GuestTranslationError error);

struct GuestPlace {
    GuestPhys at;                 ///< anywhere: a leaf may point outside of RAM
    std::uint64_t leaf_size = 0;  ///< bytes that lie together; with paging off, all of them
    std::uint64_t left = 0;       ///< of these, from `at` on
    bool operator==(const GuestPlace&) const = default;
};

[[nodiscard]] std::expected<GuestPlace, GuestTranslationError> translate(const GuestMemory& memory,
                                                                         std::uint64_t vsatp,
                                                                         GuestVirt address);

}  // namespace cairn
