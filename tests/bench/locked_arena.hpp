// SPDX-License-Identifier: MIT
// The backing store of the heap alone, behind a lock: what a TlsfArena costs without the caches and
// slabs in front of it. Has all that its break has from the start.
#pragma once

#include <cstddef>
#include <expected>
#include <string_view>

#include <cairn/bump_allocator.hpp>
#include <cairn/heap/store/tlsf_arena.hpp>
#include <cairn/layout.hpp>
#include <cairn/spinlock.hpp>

namespace cairn::bench {

class LockedArena {
  public:
    [[nodiscard]] std::expected<void, AllocError> init(BumpAllocator& source,
                                                       std::string_view owner, FaultHook hook,
                                                       std::size_t size) {
        const SpinGuard guard(lock_);
        const auto heads = source.allocate(Arena::metadata_size);
        if (!heads) return std::unexpected(heads.error());
        arena_.init({.hook = hook, .owner = owner}, source.region(), *heads);
        constexpr std::size_t grain = BumpArena::grain;
        size = std::min(size, source.remaining()) & ~(grain - 1);
        while (size != 0) {
            const std::size_t part = std::min(size, Arena::largest_chunk);
            const auto chunk = source.allocate(part);
            if (!chunk) return std::unexpected(chunk.error());
            arena_.add_chunk(*chunk, part);
            size -= part;
        }
        return {};
    }

    [[nodiscard]] std::byte* take(std::size_t size) {
        std::byte* block = nullptr;
        {
            const SpinGuard guard(lock_);
            block = arena_.try_take(size);
        }
        if (block == nullptr) [[unlikely]]
            return take_slowly(size, default_alignment);
        return block;
    }
    void give(std::byte* block) {
        bool given = false;
        {
            const SpinGuard guard(lock_);
            given = arena_.try_give(block).block != nullptr;
        }
        if (!given) [[unlikely]]
            give_slowly(block);
    }
    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        std::byte* const block = take_slowly(layout.size, layout.alignment);
        if (block == nullptr) return std::unexpected(AllocError::out_of_memory);
        return block;
    }

  private:
    using Arena = TlsfArena;

    [[gnu::cold, gnu::noinline]] std::byte* take_slowly(std::size_t size, std::size_t alignment) {
        if (size > Arena::largest_chunk || alignment > Arena::largest_chunk) return nullptr;
        const SpinGuard guard(lock_);
        std::byte* const block = arena_.take_aligned(size, alignment);
        return block != nullptr ? block : arena_.take_thoroughly(size, alignment);
    }
    [[gnu::cold, gnu::noinline]] void give_slowly(std::byte* block) {
        if (block == nullptr) return;
        const SpinGuard guard(lock_);
        arena_.give(block);
    }

    Spinlock lock_;
    Arena arena_ CAIRN_GUARDED_BY(lock_);
};

}  // namespace cairn::bench
