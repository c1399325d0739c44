// SPDX-License-Identifier: MIT
// What the ISA says about page tables, the hypervisor's own and those of the G-stage alike: the
// entry, and the sizes of tables and leaves. RISC-V Privileged Architecture, "Sv39: Page-Based
// 39-bit Virtual-Memory System" (all modes share its entry) and "Two-Stage Address Translation".
// Values only; nothing here touches memory or a CSR.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cairn/field.hpp>
#include "kernel/arch/address.hpp"

namespace cairn {

namespace paging {

inline constexpr unsigned page_bits = 12;  ///< a level-0 leaf maps 4 KiB
inline constexpr unsigned index_bits = 9;  ///< a table has 512 entries
inline constexpr unsigned max_levels = 5;
inline constexpr unsigned physical_address_bits = 56;  ///< PPN is 44 bits wide

inline constexpr std::uint64_t page_size = 1ull << page_bits;
inline constexpr std::size_t table_entries = 1u << index_bits;

/// The lowest address bit that an entry of `level` translates.
[[nodiscard]] constexpr unsigned level_shift(unsigned level) {
    return page_bits + level * index_bits;
}

/// Bytes that one leaf of `level` maps: 4 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB.
[[nodiscard]] constexpr std::uint64_t leaf_size(unsigned level) {
    return 1ull << level_shift(level);
}

}  // namespace paging

/// "Svpbmt": what a leaf says of its page.
enum class PageMemoryType : std::uint8_t { as_the_machine_says = 0, uncached = 1, device = 2 };

/// One entry of a page table.
struct Pte {
    using V = Bit<0>;           ///< valid
    using R = Bit<1>;           ///< readable
    using W = Bit<2>;           ///< writable; without R it is reserved
    using X = Bit<3>;           ///< executable
    using U = Bit<4>;           ///< user: every G-stage access counts as one, none of the kernel's
    using G = Bit<5>;           ///< global: unused, there is one address space for each table
    using A = Bit<6>;           ///< accessed
    using D = Bit<7>;           ///< dirty
    using PPN = Field<53, 10>;  ///< physical page number of the leaf or of the next table
    using PBMT = Field<62, 61, PageMemoryType>;

    std::uint64_t bits = 0;

    constexpr bool operator==(const Pte&) const = default;

    /// A leaf with `flags` (of R, W, X and U). A and D are set from the start: Cairn uses
    /// neither, and hardware without Svadu would fault to have them set.
    [[nodiscard]] static constexpr Pte leaf(HostPhys address, std::uint64_t flags) {
        return {table(address).bits | flags | A::mask | D::mask};
    }
    /// A pointer to the next table; A, D and U are reserved in it.
    [[nodiscard]] static constexpr Pte table(HostPhys address) {
        return {PPN::of(address.value >> paging::page_bits) | V::mask};
    }

    [[nodiscard]] constexpr bool is_valid() const { return V::get(bits); }
    [[nodiscard]] constexpr bool is_leaf() const {
        return is_valid() && (bits & (R::mask | W::mask | X::mask)) != 0;
    }
    [[nodiscard]] constexpr bool is_table() const { return is_valid() && !is_leaf(); }
    [[nodiscard]] constexpr HostPhys address() const {
        return {PPN::get(bits) << paging::page_bits};
    }
};

/// In what one translation differs from another.
struct PageTableFormat {
    unsigned levels = 3;           ///< the root is level `levels - 1`
    unsigned root_extra_bits = 0;  ///< the root has so many times 2 more entries than other tables
    std::uint64_t leaf_flags = 0;  ///< what every leaf has besides its permissions

    [[nodiscard]] constexpr unsigned root_level() const { return levels - 1; }
    [[nodiscard]] constexpr std::size_t root_pages() const { return 1u << root_extra_bits; }
    [[nodiscard]] constexpr std::size_t root_entries() const {
        return paging::table_entries << root_extra_bits;
    }
    /// Bytes of the root, and its alignment.
    [[nodiscard]] constexpr std::uint64_t root_size() const {
        return paging::page_size << root_extra_bits;
    }
    /// Width of the addresses that are translated.
    [[nodiscard]] constexpr unsigned input_bits() const {
        return paging::level_shift(levels) + root_extra_bits;
    }
};

static_assert(sizeof(Pte) == 8);
static_assert(paging::leaf_size(1) == 2ull << 20 && paging::leaf_size(2) == 1ull << 30);
static_assert(Pte::leaf({0xff'ffff'ffff'f000}, 0).address() == HostPhys{0xff'ffff'ffff'f000});
static_assert(Pte::table({0x8000'0000}).bits == 0x2000'0001);

}  // namespace cairn
