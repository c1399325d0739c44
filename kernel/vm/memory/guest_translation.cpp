// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/vm/memory/guest_translation.hpp"

#include <cairn/bits.hpp>
#include "kernel/arch/isa/stage1_mode.hpp"

namespace cairn {
namespace {

using Error = GuestTranslationError;

/// "Svnapot": an entry of the lowest level with N set is one of sixteen that map 64 KiB together;
/// the four lowest bits of its PPN say so, and no other size is defined.
using SvnapotN = Bit<63>;
constexpr std::uint64_t napot_size = 16 * paging::page_size;
constexpr std::uint64_t napot_mark = 0b1000;
constexpr std::uint64_t napot_bits = 0b1111;
/// "Sv39": bits 60 to 54 are reserved, and have to be zero.
using PteReserved = Field<60, 54>;

bool is_canonical(std::uint64_t address, unsigned bits) {
    const auto top = static_cast<std::int64_t>(address) >> (bits - 1);
    return top == 0 || top == -1;
}

/// Whether an entry that is valid has bits set that must be zero in it.
bool is_reserved(Pte entry) {
    if (PteReserved::get(entry.bits) != 0) return true;
    if (static_cast<unsigned>(Pte::PBMT::get(entry.bits)) == 3) return true;
    if (entry.is_leaf()) return Pte::W::get(entry.bits) && !Pte::R::get(entry.bits);
    constexpr std::uint64_t of_leaves =
        Pte::U::mask | Pte::A::mask | Pte::D::mask | Pte::PBMT::mask | SvnapotN::mask;
    return (entry.bits & of_leaves) != 0;
}

std::expected<GuestPlace, Error> place_in(Pte leaf, unsigned level, std::uint64_t address) {
    std::uint64_t size = paging::leaf_size(level);
    std::uint64_t base = leaf.address().value;
    if (SvnapotN::get(leaf.bits)) {
        if (level != 0 || (Pte::PPN::get(leaf.bits) & napot_bits) != napot_mark)
            return std::unexpected(Error::reserved_entry);
        size = napot_size;
        base = align_down(base, napot_size);
    }
    if (!is_aligned(base, size)) return std::unexpected(Error::misaligned_leaf);
    const std::uint64_t offset = address & (size - 1);
    return GuestPlace{.at = {base + offset}, .leaf_size = size, .left = size - offset};
}

}  // namespace

std::string_view to_string(GuestTranslationError error) {
    switch (error) {
        case Error::reserved_mode: return "its vsatp has a reserved mode";
        case Error::not_canonical: return "it is no address of its vsatp's mode";
        case Error::table_outside_ram: return "a page table lies outside of its RAM";
        case Error::not_mapped: return "it is not mapped";
        case Error::reserved_entry: return "an entry of its page table has reserved bits";
        case Error::misaligned_leaf: return "a large page is not aligned";
    }
    return "";
}

std::expected<GuestPlace, GuestTranslationError> translate(const GuestMemory& memory,
                                                           std::uint64_t vsatp, GuestVirt address) {
    const SatpMode mode = Satp::MODE::get(vsatp);
    if (mode == SatpMode::bare) {
        const std::uint64_t left = ~address.value;  // but for the last byte, which is no RAM
        return GuestPlace{.at = {address.value}, .leaf_size = ~std::uint64_t{0}, .left = left};
    }
    if (mode < SatpMode::sv39 || mode > SatpMode::sv57)
        return std::unexpected(Error::reserved_mode);
    const PageTableFormat format = stage1::format(mode);
    if (!is_canonical(address.value, format.input_bits()))
        return std::unexpected(Error::not_canonical);
    GuestPhys table{Satp::PPN::get(vsatp) << paging::page_bits};
    for (unsigned level = format.root_level();; --level) {
        const std::uint64_t index =
            address.value >> paging::level_shift(level) & (paging::table_entries - 1);
        const auto bits = memory.load<std::uint64_t>(table + index * sizeof(Pte));
        if (!bits) return std::unexpected(Error::table_outside_ram);
        const Pte entry{*bits};
        if (!entry.is_valid()) return std::unexpected(Error::not_mapped);
        if (is_reserved(entry)) return std::unexpected(Error::reserved_entry);
        if (entry.is_leaf()) return place_in(entry, level, address.value);
        if (level == 0) return std::unexpected(Error::not_mapped);
        table = {entry.address().value};
    }
}

}  // namespace cairn
