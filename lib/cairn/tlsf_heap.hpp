// SPDX-License-Identifier: MIT
// The backing heap alone: a TlsfArena behind a lock, which grows from a break.
//
//     BumpAllocator ──── `growth` bytes at a time ────► TlsfArena ────► blocks of any size
//
// Memory taken from the break is the heap's for good. The break may have other users; chunks that
// happen to follow each other become one. Every function takes the lock (then the break's, where it
// grows) and calls out with it held only to report a fault.
//
// Constant-initialised and empty: a global needs no constructor to run, and refuses every request
// until `init` gives it a source.
#pragma once

#include <algorithm>
#include <cstddef>
#include <expected>
#include <string_view>

#include "cairn/bits.hpp"
#include "cairn/bump_allocator.hpp"
#include "cairn/heap/store/tlsf_arena.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"
#include "cairn/spinlock.hpp"

namespace cairn {

template <Lockable Lock = Spinlock>
class TlsfHeap {
  public:
    using Arena = TlsfArena;
    static constexpr std::size_t default_growth = 64 * 1024;

    constexpr TlsfHeap() = default;
    TlsfHeap(const TlsfHeap&) = delete;
    TlsfHeap& operator=(const TlsfHeap&) = delete;

    /// Takes the arena's heads and the first `growth` bytes (or what there is) from `source`.
    /// `owner` names the heap in reports and outlives it, as `source` does. Once only.
    [[nodiscard]] std::expected<void, AllocError> init(BumpAllocator& source,
                                                       std::string_view owner, FaultHook hook = {},
                                                       std::size_t growth = default_growth);

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        if (!layout.is_valid()) [[unlikely]]
            return std::unexpected(refusal(layout));
        std::byte* const block = layout.alignment <= default_alignment
                                     ? take(layout.size)
                                     : take_slowly(layout.size, layout.alignment);
        if (block == nullptr) [[unlikely]]
            return std::unexpected(AllocError::out_of_memory);
        return block;
    }

    void deallocate(std::byte* block) { give(block); }
    /// As above; a block of another size or alignment is reported and kept.
    void deallocate(std::byte* block, Layout layout);

    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size);

    [[nodiscard]] std::size_t usable_size(const std::byte* block) const {
        return Arena::usable_size(block);
    }
    /// Whether `pointer` points into the region that the heap's memory comes from.
    [[nodiscard]] bool owns(const void* pointer) const {
        return tlsf::address(pointer) - tlsf::address(window_.base) < window_.size;
    }

    /// A block of at least `size` bytes, or nullptr.
    [[nodiscard]] std::byte* take(std::size_t size);
    /// Takes a block back; nullptr is nothing.
    void give(std::byte* block);

    /// Bytes that are free, all and in one block, without what the break still has.
    [[nodiscard]] std::size_t free_bytes() const;
    [[nodiscard]] std::size_t largest_free() const;
    /// Walks everything; each thing that is wrong is reported. Whether nothing was.
    bool check() const;

  private:
    [[gnu::cold, gnu::noinline]] std::byte* take_slowly(std::size_t size, std::size_t alignment);
    [[gnu::cold, gnu::noinline]] void give_slowly(std::byte* block);
    [[gnu::cold, gnu::noinline]] void refuse(std::byte* block, HeapFaultKind kind);
    bool grow(std::size_t needed) CAIRN_REQUIRES(lock_);

    static AllocError refusal(Layout layout) {
        return std::has_single_bit(layout.alignment) ? AllocError::too_large
                                                     : AllocError::bad_alignment;
    }

    mutable Lock lock_;  // first, as its address is the heap's
    Arena arena_ CAIRN_GUARDED_BY(lock_);
    Region window_;
    BumpAllocator* source_ CAIRN_GUARDED_BY(lock_) = nullptr;
    std::size_t growth_ CAIRN_GUARDED_BY(lock_) = 0;
    FaultReporter report_;
};

template <Lockable Lock>
inline std::byte* TlsfHeap<Lock>::take(std::size_t size) {
    std::byte* block = nullptr;
    {
        const LockGuard guard(lock_);
        block = arena_.try_take(size);
    }
    if (block == nullptr) [[unlikely]]
        return take_slowly(size, default_alignment);
    return block;
}

template <Lockable Lock>
inline void TlsfHeap<Lock>::give(std::byte* block) {
    bool given = false;
    {
        const LockGuard guard(lock_);
        given = arena_.try_give(block).block != nullptr;
    }
    if (!given) [[unlikely]]
        give_slowly(block);
}

template <Lockable Lock>
std::expected<void, AllocError> TlsfHeap<Lock>::init(BumpAllocator& source, std::string_view owner,
                                                     FaultHook hook, std::size_t growth) {
    const LockGuard guard(lock_);
    if (source_ != nullptr) return std::unexpected(AllocError::already_initialised);
    const Region window = source.region();
    if (window.size / tlsf::grain > UINT32_MAX) return std::unexpected(AllocError::bad_region);
    const auto heads = source.allocate(Arena::metadata_size);
    if (!heads) return std::unexpected(heads.error());
    source_ = &source;
    window_ = window;
    growth_ = growth;
    report_ = {.hook = hook, .owner = owner};
    arena_.init(report_, window, *heads);
    (void)grow(0);
    return {};
}

template <Lockable Lock>
std::byte* TlsfHeap<Lock>::take_slowly(std::size_t size, std::size_t alignment) {
    const LockGuard guard(lock_);
    if (source_ == nullptr || size > Arena::largest_chunk || alignment > Arena::largest_chunk) {
        return nullptr;
    }
    const std::size_t gap = alignment > default_alignment ? alignment + tlsf::grain : 0;
    do {
        std::byte* const block = arena_.take_aligned(size, alignment);
        if (block != nullptr) return block;
    } while (grow(tlsf::length_for(size) + gap));
    return arena_.take_thoroughly(size, alignment);
}

/// Takes more of the break: `growth_`, or as much more as a block of `needed` bytes wants; failing
/// that all there is, if that helps.
template <Lockable Lock>
bool TlsfHeap<Lock>::grow(std::size_t needed) {
    constexpr std::size_t grain = BumpArena::grain;
    const std::size_t left = source_->remaining() & ~(grain - 1);
    // What is left may join a free block at its end; but if both are too short, it stays.
    if (needed > left && needed > left + arena_.largest_free()) return false;
    const std::size_t wanted = std::max(needed + Arena::chunk_overhead, growth_);
    for (std::size_t size : {(wanted + grain - 1) & ~(grain - 1), left}) {
        size = std::min(std::min(size, left), Arena::largest_chunk);
        if (size == 0) return false;
        const auto chunk = source_->allocate(size);
        if (chunk) return arena_.add_chunk(*chunk, size);
    }
    return false;
}

template <Lockable Lock>
void TlsfHeap<Lock>::give_slowly(std::byte* block) {
    if (block == nullptr) return;
    const LockGuard guard(lock_);
    if (source_ == nullptr) return report_(HeapFaultKind::foreign_pointer, block);
    arena_.give(block);
}

template <Lockable Lock>
void TlsfHeap<Lock>::deallocate(std::byte* block, Layout layout) {
    if constexpr (heap_checks) {
        if (block == nullptr) return;
        if (!is_aligned(tlsf::address(block), layout.alignment)) [[unlikely]]
            return refuse(block, HeapFaultKind::wrong_alignment);
        // What is left of a block may be too short for one of its own.
        const std::size_t usable = tlsf::length_for(layout.size) - tlsf::header_size;
        if (owns(block) && (Arena::usable_size(block) - usable) > tlsf::grain) [[unlikely]]
            return refuse(block, HeapFaultKind::wrong_size);
    }
    give(block);
}

/// Reports that a block is not given back as what it is, if it is one.
template <Lockable Lock>
void TlsfHeap<Lock>::refuse(std::byte* block, HeapFaultKind kind) {
    const LockGuard guard(lock_);
    arena_.refuse(block, kind);
}

template <Lockable Lock>
bool TlsfHeap<Lock>::try_resize(std::byte* block, Layout /*layout*/, std::size_t new_size) {
    const LockGuard guard(lock_);
    return arena_.resize(block, new_size);
}

template <Lockable Lock>
std::size_t TlsfHeap<Lock>::free_bytes() const {
    const LockGuard guard(lock_);
    return arena_.free_bytes();
}

template <Lockable Lock>
std::size_t TlsfHeap<Lock>::largest_free() const {
    const LockGuard guard(lock_);
    return arena_.largest_free();
}

template <Lockable Lock>
bool TlsfHeap<Lock>::check() const {
    const LockGuard guard(lock_);
    return arena_.check();
}

static_assert(GeneralHeap<TlsfHeap<>>);

extern template class TlsfHeap<Spinlock>;

}  // namespace cairn
