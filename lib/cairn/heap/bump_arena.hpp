// SPDX-License-Identifier: MIT
// The arithmetic of a bump allocator: one region, and a break that moves up through it. No lock;
// lib/cairn/bump_allocator.hpp puts one around it.
//
//      base                     break                      end
//       |  blocks handed out      |  remaining              |
//       +-------------------------+-------------------------+      base <= break <= end,
//       |<-------- used --------->|                                all multiples of `grain`
//       |<---------- high water --------->|
//
// Every block starts on a multiple of its alignment and takes whole grains, so blocks never overlap
// and each has an address of its own, a block of zero bytes included. Blocks are given back only
// from the top: by undoing the last one, or by rewinding to a mark.
//
// The break is kept as `level_`, the complement of what remains: a number that rises to all ones.
// `| (grain - 1)` rounds it up without an addition, and one comparison finds what does not fit,
// what wraps, and what is no bytes at all: the level did not rise.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "cairn/base/assume.hpp"
#include "cairn/base/language.hpp"
#include "cairn/layout.hpp"
#include "cairn/region.hpp"

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

    /// A block whose address is still to be added up; what holds a lock can let go of it first.
    class Cut {
      public:
        constexpr Cut() = default;
        constexpr Cut(std::uintptr_t level, std::uintptr_t bias) : level_(level), bias_(bias) {}
        explicit constexpr operator bool() const { return level_ != 0; }
        /// Of a cut that is one.
        [[nodiscard]] std::byte* block() const {
            auto* const start = reinterpret_cast<std::byte*>(level_ + bias_);
            assume(start != nullptr);
            return start;
        }

      private:
        std::uintptr_t level_ = 0;
        std::uintptr_t bias_ = 0;
    };

    /// `size` bytes at a multiple of `alignment`, contents unknown; nothing where `refusal` says
    /// why. With `Cut::block` and the return these are eight instructions, where the alignment is a
    /// constant that every grain has.
    [[nodiscard]] Cut cut_off(std::size_t size, std::size_t alignment) {
        if (!std::has_single_bit(alignment)) [[unlikely]]
            return {};
        std::uintptr_t before = level_;
        if (alignment > grain) {
            before += -next() & (alignment - 1);
            if (before < level_) [[unlikely]]
                return {};
        }
        std::uintptr_t level = (before + size) | (grain - 1);
        if (level <= before) [[unlikely]] {
            level = before + grain;  // for zero bytes; one branch, so that refusals stay together
            if ((size | std::size_t{level <= before}) != 0) return {};
        }
        level_ = level;
        assume(before != 0);  // the low bits of a level are ones
        return {before, bias_};
    }

    /// As above; nullptr for nothing.
    [[nodiscard]] std::byte* take(std::size_t size, std::size_t alignment) {
        const Cut cut = cut_off(size, alignment);
        return cut ? cut.block() : nullptr;
    }

    /// Why `take(size, alignment)` gave nothing.
    [[nodiscard]] static constexpr AllocError refusal(std::size_t alignment) {
        return std::has_single_bit(alignment) ? AllocError::out_of_memory
                                              : AllocError::bad_alignment;
    }

    /// Takes `size` bytes more, whole grains that begin where the region ends.
    void lengthen(std::size_t size) {
        capacity_ += size;
        level_ -= size;
        bias_ += size;
    }

    /// Gives the last block back; padding before it stays used.
    [[nodiscard]] std::expected<void, AllocError> free_last(const std::byte* block,
                                                            std::size_t size) {
        if (!is_last(block, size)) return std::unexpected(AllocError::not_last_block);
        lower(round_up(size));
        return {};
    }

    /// Makes a block of `old_size` bytes one of `new_size` in place. Any block may change within
    /// its grains, only the last one may grow or shrink further.
    [[nodiscard]] std::expected<void, AllocError> resize_last(const std::byte* block,
                                                              std::size_t old_size,
                                                              std::size_t new_size);

    [[nodiscard]] Mark mark() const { return {reinterpret_cast<std::byte*>(next())}; }

    /// Takes back every block handed out since `mark`.
    [[nodiscard]] std::expected<void, AllocError> rewind(Mark mark);

    /// Whether `pointer` points into the region, handed out or not.
    [[nodiscard]] bool owns(const void* pointer) const;

    /// The whole grains of what there is.
    [[nodiscard]] Region region() const {
        if (capacity_ == 0) return {};
        return {.base = reinterpret_cast<std::byte*>(base()), .size = capacity_};
    }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    [[nodiscard]] std::size_t used() const { return capacity_ - remaining(); }
    [[nodiscard]] std::size_t remaining() const { return ~level_; }
    /// The largest `used()` there has been.
    [[nodiscard]] std::size_t high_water() const { return std::max(peak_, used()); }

  private:
    /// What a block of `size` bytes takes; 0 for sizes that no region holds.
    static constexpr std::size_t round_up(std::size_t size) {
        if (size == 0) size = 1;
        return (size + (grain - 1)) & ~(grain - 1);
    }

    [[nodiscard]] std::uintptr_t base() const { return next() - used(); }
    /// Where the next block of no special alignment would start.
    [[nodiscard]] std::uintptr_t next() const { return level_ + bias_; }

    /// `block` may be anything. Not below the base, so what lies between it and the break is what
    /// was handed out; a size that wraps rounds to 0, and no block is empty.
    [[nodiscard]] bool is_last(const std::byte* block, std::size_t size) const {
        const auto at = reinterpret_cast<std::uintptr_t>(block);
        return at >= base() && at < next() && next() - at == round_up(size);
    }

    /// Only here does the break fall, so only here is the peak noted.
    void lower(std::size_t bytes) {
        peak_ = std::max(peak_, used());
        level_ -= bytes;
    }

    std::uintptr_t level_ = ~std::uintptr_t{0};  ///< nothing remains
    std::uintptr_t bias_ = 0;                    ///< from the level to the break's address
    std::size_t capacity_ = 0;
    std::size_t peak_ = 0;  ///< the most that was used before the last fall
};

}  // namespace cairn
