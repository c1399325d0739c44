// SPDX-License-Identifier: MIT
// The small size classes and their slabs, as arithmetic.
//
// Class c holds blocks of 16 * c bytes, c = 1 .. 64. A slab is 16 KiB at a multiple of 16 KiB, all
// slots of one class, no header between or before them: slot i starts at i * size, so a slot is as
// aligned as its size is (48 bytes: 16, 64 bytes: 64, 1024 bytes: 1024).
//
//     slab          +size        +2 size                                 count * size    +16 KiB
//      | slot 0      | slot 1      | slot 2      | ...      | slot n-1    | rest (< size)  |
//
// Whether a pointer is the start of a slot is one multiplication: with m = floor(2^32 / size) + 1
// and e = m * size - 2^32 (so 1 <= e <= size), offset * m mod 2^32 is i * e for slot i and at least
// m for every other offset (D. Lemire et al., "Faster remainder by direct computation", 2019). As
// count * e is smaller than every m, comparing with it refuses the rest behind the last slot too.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace cairn {

inline constexpr std::size_t heap_page = 4096;
inline constexpr std::size_t slab_size = 16 * 1024;
inline constexpr std::size_t slab_pages = slab_size / heap_page;
inline constexpr std::size_t largest_small = 1024;
inline constexpr unsigned small_classes = largest_small / 16;  ///< numbered from 1

inline constexpr unsigned smallest_apart = 7;  ///< whose slabs may be taken apart (SlabStore)

/// The class of a block of `size` bytes, 1 <= size <= largest_small.
[[nodiscard]] constexpr unsigned small_class(std::size_t size) {
    return static_cast<unsigned>((size + 15) / 16);
}

[[nodiscard]] constexpr std::size_t class_size(std::size_t small_class) {
    return small_class * 16;
}

[[nodiscard]] constexpr std::uint32_t slots_per_slab(std::size_t small_class) {
    return static_cast<std::uint32_t>(slab_size / class_size(small_class));
}

/// What tells slots from other offsets: m, and a bound below which products of slots are and no
/// others. Zero accepts nothing.
class alignas(8) SlotCheck {
  public:
    constexpr SlotCheck() = default;
    explicit constexpr SlotCheck(unsigned small_class) {
        const std::uint64_t size = class_size(small_class);
        const std::uint64_t m = (std::uint64_t{1} << 32) / size + 1;
        const std::uint64_t e = m * size - (std::uint64_t{1} << 32);
        factor_ = static_cast<std::uint32_t>(m);
        // The last slot's product is count * e - e.
        bound_ =
            static_cast<std::uint32_t>(slots_per_slab(small_class) * e - (in_one_word ? 1 : 0));
    }

    /// Whether a slot starts at `address` of a slab of the class (or at an offset into it).
    [[nodiscard]] constexpr bool accepts(std::uint64_t address) const {
        if constexpr (!in_one_word) {
            return static_cast<std::uint32_t>(address) % std::uint32_t{slab_size} * factor_ <
                   bound_;
        }
        // The offset alone, in the high half; so is its product, from which the bound's part drops.
        const std::uint64_t offset = address << slab_bits_above >> (slab_bits_above - 32);
        const auto both = std::bit_cast<std::uint64_t>(*this);
        return offset * both < both;
    }

  private:
    // One load, product and comparison of both halves; or two of each half, where instructions
    // read their operands from memory.
#ifdef __x86_64__
    static constexpr bool in_one_word = false;
#else
    static constexpr bool in_one_word = std::endian::native == std::endian::little;
#endif
    static constexpr unsigned slab_bits_above = 64 - std::countr_zero(slab_size);
    std::uint32_t factor_ = 0;
    std::uint32_t bound_ = 0;
};

namespace slab_geometry_proof {
consteval bool accepts_exactly_the_slots() {
    for (unsigned c = 1; c <= small_classes; ++c) {
        const SlotCheck check(c);
        const std::uint64_t size = class_size(c);
        // Around every slot; the whole slab is walked by slab_geometry_test.cpp.
        for (std::uint32_t slot = 0; slot < slots_per_slab(c); ++slot) {
            if (!check.accepts(slot * size) || check.accepts(slot * size + 1)) return false;
        }
        if (check.accepts(slots_per_slab(c) * size) && slots_per_slab(c) * size < slab_size)
            return false;
    }
    return true;
}
static_assert(accepts_exactly_the_slots());
}  // namespace slab_geometry_proof

}  // namespace cairn
