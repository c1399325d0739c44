// SPDX-License-Identifier: MIT
// The arithmetic of a bump allocator: one region, and a break that moves up through it. No lock;
// lib/heap/bump_allocator.hpp puts one around it.
//
//      floor_                    top_                     last_
//       ||  blocks handed out     ||  remaining            ||
//       +-------------------------+------------------------+      floor_ <= top_ <= last_
//        |<-------- used -------->|                               all one below a multiple of
//        `grain`
//        |<---------- high water --------->|                      (or 0, before `init`)
//
// Every block starts on a multiple of its alignment and takes whole grains, so blocks never overlap
// and each has an address of its own, a block of zero bytes included. Blocks are given back only
// from the top: by undoing the last one, or by rewinding to a mark.
//
// The bounds are the addresses of the last byte before, used and of all: ones below the grain. So
// `| (alignment - 1)` rounds up without an addition, and a sum that did not rise tells both that it
// wrapped and that nothing was asked for.
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
    /// why. Nine instructions with its return where the alignment is a constant below a grain.
    [[nodiscard]] std::byte* take(std::size_t size, std::size_t alignment) {
        if (!std::has_single_bit(alignment)) [[unlikely]]
            return nullptr;
        const std::uintptr_t before = alignment > grain ? top_ | (alignment - 1) : top_;
        std::uintptr_t top = (before + size) | (grain - 1);
        if (top <= before) [[unlikely]] {
            if (size != 0) return nullptr;
            top = std::max(before, before + grain);  // may wrap too; the last byte lies below
        }
        if (top > last_) [[unlikely]]
            return nullptr;
        top_ = top;
        return reinterpret_cast<std::byte*>(before + 1);
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
        lower(top_ - round_up(size));
        return {};
    }

    /// Makes a block of `old_size` bytes one of `new_size` in place. Any block may change within
    /// its grains, only the last one may grow or shrink further.
    [[nodiscard]] std::expected<void, AllocError> resize_last(const std::byte* block,
                                                              std::size_t old_size,
                                                              std::size_t new_size);

    [[nodiscard]] Mark mark() const { return {reinterpret_cast<std::byte*>(top_ + 1)}; }

    /// Takes back every block handed out since `mark`.
    [[nodiscard]] std::expected<void, AllocError> rewind(Mark mark);

    /// Whether `pointer` points into the region, handed out or not.
    [[nodiscard]] bool owns(const void* pointer) const;

    [[nodiscard]] std::size_t capacity() const { return last_ - floor_; }
    [[nodiscard]] std::size_t used() const { return top_ - floor_; }
    [[nodiscard]] std::size_t remaining() const { return last_ - top_; }
    /// The largest `used()` there has been.
    [[nodiscard]] std::size_t high_water() const { return std::max(peak_, top_) - floor_; }

  private:
    /// What a block of `size` bytes takes; 0 for sizes that no region holds.
    static constexpr std::size_t round_up(std::size_t size) {
        if (size == 0) size = 1;
        return (size + (grain - 1)) & ~(grain - 1);
    }

    /// `block` may be anything. Above the floor, so what lies between it and the top is what was
    /// handed out; a size that wraps rounds to 0, and no block is empty.
    [[nodiscard]] bool is_last(const std::byte* block, std::size_t size) const {
        const auto at = reinterpret_cast<std::uintptr_t>(block);
        return at > floor_ && at <= top_ && top_ + 1 - at == round_up(size);
    }

    /// Only here does the break fall, so only here is the peak noted.
    void lower(std::uintptr_t top) {
        peak_ = std::max(peak_, top_);
        top_ = top;
    }

    std::uintptr_t floor_ = 0;
    std::uintptr_t top_ = 0;
    std::uintptr_t last_ = 0;
    std::uintptr_t peak_ = 0;  ///< the highest top before the last fall, or 0
};

}  // namespace cairn
