// SPDX-License-Identifier: MIT
// The arithmetic of a bump allocator: one region, and a break that moves up through it. No lock;
// lib/heap/bump_allocator.hpp puts one around it.
//
//     base_                     next_                    end_
//      |  blocks handed out      |  remaining             |
//      +-------------------------+------------------------+      base_ <= next_ <= end_
//      |<-------- used --------->|                               all three multiples of `grain`
//      |<---------- high water ---------->|                      (or null, before `init`)
//
// Every block starts on a multiple of its alignment and takes whole grains, so blocks never overlap
// and each has an address of its own, a block of zero bytes included. Blocks are given back only
// from the top: by undoing the last one, or by rewinding to a mark.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>

#include "lib/heap/layout.hpp"
#include "lib/heap/region.hpp"

namespace cairn {

class BumpArena {
  public:
    /// The unit of all blocks: what `operator new` must align to.
    static constexpr std::size_t grain = default_alignment;

    /// A height of the break. Valid until the break falls below it: `rewind` refuses marks above
    /// the break, but cannot see that the break fell below a mark and rose over it again.
    struct Mark {
        std::byte* at = nullptr;
    };

    /// Empty: refuses every request until `init`.
    constexpr BumpArena() = default;

    /// Takes `region`, without the part-grains at its ends.
    [[nodiscard]] std::expected<void, AllocError> init(Region region);

    /// `size` bytes at a multiple of `alignment`, contents unknown; nullptr where `refusal` says
    /// why. A handful of instructions where the alignment is a constant.
    [[nodiscard]] std::byte* take(std::size_t size, std::size_t alignment) {
        if (size == 0) [[unlikely]]
            size = 1;
        if (!std::has_single_bit(alignment)) [[unlikely]]
            return nullptr;
        std::byte* start = next_;
        auto left = static_cast<std::size_t>(end_ - next_);
        if (alignment > grain) {
            const std::size_t padding = -reinterpret_cast<std::uintptr_t>(start) & (alignment - 1);
            if (padding > left) [[unlikely]]
                return nullptr;
            start += padding;
            left -= padding;
        }
        if (size > left) [[unlikely]]
            return nullptr;
        [[assume(start != nullptr)]];    // without a region nothing is left
        next_ = start + round_up(size);  // <= end_, as both are multiples of the grain
        return start;
    }

    /// Why `take(size, alignment)` gave nothing.
    [[nodiscard]] static constexpr AllocError refusal(std::size_t alignment) {
        return std::has_single_bit(alignment) ? AllocError::out_of_memory
                                              : AllocError::bad_alignment;
    }

    /// Gives the last block back; padding before it stays used.
    [[nodiscard]] std::expected<void, AllocError> free_last(const std::byte* block,
                                                            std::size_t size) {
        if (!is_last(block, size)) return std::unexpected(AllocError::not_last_block);
        lower(next_ - round_up(size));
        return {};
    }

    /// Makes a block of `old_size` bytes one of `new_size` in place. Any block may change within
    /// its grains, only the last one may grow or shrink further.
    [[nodiscard]] std::expected<void, AllocError> resize_last(const std::byte* block,
                                                              std::size_t old_size,
                                                              std::size_t new_size);

    [[nodiscard]] Mark mark() const { return {next_}; }

    /// Takes back every block handed out since `mark`.
    [[nodiscard]] std::expected<void, AllocError> rewind(Mark mark);

    /// Whether `pointer` points into the region, handed out or not.
    [[nodiscard]] bool owns(const void* pointer) const;

    [[nodiscard]] std::size_t capacity() const { return distance(base_, end_); }
    [[nodiscard]] std::size_t used() const { return distance(base_, next_); }
    [[nodiscard]] std::size_t remaining() const { return distance(next_, end_); }
    /// The largest `used()` there has been.
    [[nodiscard]] std::size_t high_water() const { return distance(base_, std::max(peak_, next_)); }

  private:
    static std::size_t distance(const std::byte* from, const std::byte* to) {
        return static_cast<std::size_t>(to - from);
    }

    /// What a block of `size` bytes takes; 0 for sizes that no region holds.
    static constexpr std::size_t round_up(std::size_t size) {
        if (size == 0) size = 1;
        return (size + (grain - 1)) & ~(grain - 1);
    }

    /// Compared as integers, as `block` may be anything. Not below the base, so what lies above it
    /// is what was handed out; a size that wraps rounds to 0, and no block is empty.
    [[nodiscard]] bool is_last(const std::byte* block, std::size_t size) const {
        const auto at = reinterpret_cast<std::uintptr_t>(block);
        const auto next = reinterpret_cast<std::uintptr_t>(next_);
        return at >= reinterpret_cast<std::uintptr_t>(base_) && at < next &&
               next - at == round_up(size);
    }

    /// Only here does the break fall, so only here is the peak noted.
    void lower(std::byte* next) {
        peak_ = std::max(peak_, next_);
        next_ = next;
    }

    std::byte* base_ = nullptr;
    std::byte* next_ = nullptr;
    std::byte* end_ = nullptr;
    std::byte* peak_ = nullptr;  ///< the highest break before the last fall, or null
};

}  // namespace cairn
