// SPDX-License-Identifier: MIT
// The break: a bump allocator that several harts may use at once. A BumpArena (invariants there)
// inside a lock; every function below takes the lock for a few instructions and none calls out
// with it held but to a region source, so it is a leaf of the lock order.
//
//      base                     break          ready                  end
//       |  blocks handed out      |              |  reserved            |
//       +-------------------------+--------------+----------------------+
//       |<-------- used --------->|<------------ remaining ------------>|
//
// Mostly all of the region is memory from the start. On a host, part of it may be reserved: the
// source gives it piece by piece, when the break comes there.
//
// Constant-initialised and empty: a global needs no constructor to run, and refuses every request
// with out_of_memory until `init` gives it a region. It never frees except its last block, or by
// rewinding to a mark. It does not own the region's memory, and outlives nothing it handed out.
#pragma once

#include <cstddef>

#include "cairn/base/language.hpp"
#include "cairn/heap/bump_arena.hpp"
#include "cairn/spinlock.hpp"

namespace cairn {

/// What is still reserved behind an arena's region, and who gives it.
struct BreakGrowth {
    RegionSource source = nullptr;
    std::size_t reserved = 0;
    /// `take_grown`, once there is a source: programs without one need not have its code.
    std::byte* (*take)(BumpArena& arena, BreakGrowth& growth, std::size_t size,
                       std::size_t alignment) = nullptr;
};

/// Has the region lengthened where a block does not fit; nullptr where it still does not. What does
/// not begin where the region ends is of no use: there is nothing reserved any more.
[[nodiscard]] std::byte* take_grown(BumpArena& arena, BreakGrowth& growth, std::size_t size,
                                    std::size_t alignment);

template <Lockable Lock>
class BasicBumpAllocator {
  public:
    using Mark = BumpArena::Mark;

    constexpr BasicBumpAllocator() = default;

    /// Takes `region` (its part-grains at both ends excluded). Once only.
    [[nodiscard]] std::expected<void, AllocError> init(Region region) {
        return arena_.with([&](BumpArena& arena) { return arena.init(region); });
    }

    /// The same with `reserved` bytes that follow on `region`, as soon as `source` is called for
    /// them; while the source refuses, so does the allocator.
    [[nodiscard]] std::expected<void, AllocError> init(Region region, RegionSource source,
                                                       std::size_t reserved) {
        return arena_.with([&](BumpArena& arena) {
            if (reserved > PTRDIFF_MAX - region.size) {
                return std::expected<void, AllocError>(std::unexpected(AllocError::bad_region));
            }
            const auto done = arena.init(region);
            if (done) growth_ = {source, reserved & ~(BumpArena::grain - 1), take_grown};
            return done;
        });
    }

    /// `size` bytes at a multiple of `alignment` (any power of two), contents unknown. Zero bytes
    /// are as one: an address of its own. Refuses with out_of_memory or bad_alignment.
    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(
        std::size_t size, std::size_t alignment = BumpArena::grain) {
        const auto cut =
            arena_.with([=](BumpArena& arena) { return arena.cut_off(size, alignment); });
        if (!cut) [[unlikely]]
            return allocate_more(size, alignment);
        return cut.block();
    }

    /// The same as a ByteAllocator: `deallocate` gives the last block back and keeps every other,
    /// `try_resize` says no where `resize_last` says why.
    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        return allocate(layout.size, layout.alignment);
    }
    void deallocate(std::byte* block, Layout layout) {
        [[maybe_unused]] const auto given_back = free_last(block, layout.size);
    }
    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        return resize_last(block, layout.size, new_size).has_value();
    }

    /// Gives `block` back if it is the last one; `size` is what it was allocated (or resized) with.
    [[nodiscard]] std::expected<void, AllocError> free_last(const void* block, std::size_t size) {
        return arena_.with([=](BumpArena& arena) {
            return arena.free_last(static_cast<const std::byte*>(block), size);
        });
    }

    /// Grows or shrinks in place: the last block to any size that fits, others within their grains.
    [[nodiscard]] std::expected<void, AllocError> resize_last(const void* block,
                                                              std::size_t old_size,
                                                              std::size_t new_size) {
        return arena_.with([=](BumpArena& arena) {
            return arena.resize_last(static_cast<const std::byte*>(block), old_size, new_size);
        });
    }

    /// The present height, for `rewind`. Marks nest like scopes: rewinding to an outer one ends
    /// the inner ones.
    [[nodiscard]] Mark mark() const {
        return arena_.with([](const BumpArena& arena) { return arena.mark(); });
    }

    /// Takes back every block handed out since `mark`, whoever asked for it. Refuses marks that
    /// are not within what is handed out now.
    [[nodiscard]] std::expected<void, AllocError> rewind(Mark mark) {
        return arena_.with([=](BumpArena& arena) { return arena.rewind(mark); });
    }

    /// Whether `pointer` points into the region, handed out or not.
    [[nodiscard]] bool owns(const void* pointer) const {
        const Region all = region();
        return reinterpret_cast<std::uintptr_t>(pointer) -
                   reinterpret_cast<std::uintptr_t>(all.base) <
               all.size;
    }

    /// What it hands out from, with what is reserved; empty before `init`.
    [[nodiscard]] Region region() const {
        return arena_.with([this](const BumpArena& arena) {
            return Region{arena.region().base, arena.capacity() + growth_.reserved};
        });
    }

    /// Bytes: of the region, handed out (with padding), left, and the most ever handed out.
    [[nodiscard]] std::size_t capacity() const { return region().size; }
    [[nodiscard]] std::size_t used() const {
        return arena_.with([](const BumpArena& arena) { return arena.used(); });
    }
    [[nodiscard]] std::size_t remaining() const {
        return arena_.with(
            [this](const BumpArena& arena) { return arena.remaining() + growth_.reserved; });
    }
    [[nodiscard]] std::size_t high_water() const {
        return arena_.with([](const BumpArena& arena) { return arena.high_water(); });
    }

  private:
    // Shaped for: "bump, target, instructions per call".
    [[gnu::cold, gnu::noinline]] std::expected<std::byte*, AllocError> allocate_more(
        std::size_t size, std::size_t alignment) {
        std::byte* const block = arena_.with([=, this](BumpArena& arena) {
            return growth_.take == nullptr ? nullptr
                                           : growth_.take(arena, growth_, size, alignment);
        });
        if (block == nullptr) return std::unexpected(BumpArena::refusal(alignment));
        return block;
    }

    Guarded<BumpArena, Lock> arena_;
    BreakGrowth growth_;  ///< touched only while the arena's lock is held
};

using BumpAllocator = BasicBumpAllocator<Spinlock>;
static_assert(ByteAllocator<BumpAllocator>);

}  // namespace cairn
