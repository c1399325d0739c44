// SPDX-License-Identifier: MIT
// The part of the heap that all harts share: pages, slabs and blocks behind one lock.
//
//     break ──► PageHeap ──┬── slabs of 16 KiB        slots up to 1024 bytes     SlabStore
//      (BumpAllocator)     ├── chunks of up to 1 MiB   blocks up to 256 KiB       TlsfArena
//                          ├── runs                    what is larger, or page-aligned
//                          └── internal                caches
//
// Harts come here in batches, through their HeapCache, which is the interface for everybody else.
// Memory is taken from the break in chunks as it is needed; the break may have other users, whose
// pages the heap does not touch ("foreign"). Small windows (below `slab_window`) have neither slabs
// nor caches: their few pages are better used as blocks.
//
// Lock order: HeapCore, then the break or the depot. Faults are reported with the lock held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/bump_allocator.hpp"
#include "cairn/heap/general/heap_statistics.hpp"
#include "cairn/heap/store/page_heap.hpp"
#include "cairn/heap/store/slab_store.hpp"
#include "cairn/heap/store/tlsf_arena.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/spinlock.hpp"

namespace cairn {

inline constexpr std::size_t largest_block = 256 * 1024;  ///< larger requests get pages
inline constexpr std::size_t slab_window = 1024 * 1024;   ///< smaller windows have blocks only
inline constexpr std::size_t chunk_size = 1024 * 1024;    ///< of blocks, where the window allows

/// Asked for memory when there is none: gives back what it can (to the heap, by deallocate) and
/// says whether it did. Called without a lock held.
struct Reclaimer {
    bool (*function)(void* context, std::size_t wanted) = nullptr;
    void* context = nullptr;
};

/// Told of free memory whose contents nobody needs, in whole pages, so that whoever lends it may
/// have it back until it is used again. Called with the heap's lock held, seldom: when `kept` bytes
/// and an eighth of what is in use have become free since the last time, beyond what was taken.
struct Releaser {
    void (*function)(void* context, std::byte* base, std::size_t size) = nullptr;
    void* context = nullptr;
    std::size_t kept = 0;
};

[[nodiscard]] constexpr std::size_t pages_for(std::size_t bytes) {
    return bytes / heap_page + (bytes % heap_page != 0 ? 1 : 0);
}

class HeapCache;
class SlotDepot;

class HeapCore {
  public:
    /// `starter`, if there is one, is called by requests before `init`, which it may call itself:
    /// whether it did.
    constexpr explicit HeapCore(bool (*starter)() = nullptr) : starter_(starter) {}
    HeapCore(const HeapCore&) = delete;
    HeapCore& operator=(const HeapCore&) = delete;

    /// Builds the heap on `source`, whose region becomes the window; its descriptors (13 bytes a
    /// page) are the first thing taken. `owner` names the heap in reports; `zeroed` says that the
    /// region is all zero. Once only.
    [[nodiscard]] std::expected<void, AllocError> init(BumpAllocator& source,
                                                       std::string_view owner, FaultHook hook = {},
                                                       bool zeroed = false);

    /// What to try before a request fails; none if empty.
    void set_reclaimer(Reclaimer reclaimer);
    /// Who hears of free memory; nobody if empty.
    void set_releaser(Releaser releaser);

    /// Where threads hand slots over, in a hosted program; before any cache opens. The heap's fault
    /// hook does not return then, as it may be called with a batch half taken.
    void set_depot(SlotDepot& depot) { depot_ = &depot; }

    /// Called when a hart's cache opens, for what is to happen when the hart ends.
    void set_cache_hook(void (*hook)(HeapCache& cache));

    [[nodiscard]] HeapStatistics statistics() const;
    /// Walks everything; each thing that is wrong is reported. Whether nothing was.
    bool check();
    /// Writes the map of the memory, one thing per line (docs/heap-map.md).
    void dump(Writer& writer);

    /// What each page of the window is: a PageUse, or the class of a slab.
    [[nodiscard]] const std::uint8_t* use_map() const CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        return pages_.use_map();
    }

    /// Held around fork(), so that the child's heap is whole.
    void lock() CAIRN_ACQUIRE(lock_) { lock_.lock(); }
    [[nodiscard]] bool try_lock() CAIRN_TRY_ACQUIRE(true, lock_) { return lock_.try_lock(); }
    void unlock() CAIRN_RELEASE(lock_) { lock_.unlock(); }
    /// In the child of a fork, which has none of the other threads: forgets their caches, which may
    /// have been in the middle of anything. What they held stays in use.
    void forget_caches_but(HeapCache& own) CAIRN_REQUIRES(lock_);

  private:
    friend class HeapCache;
    struct Window {
        std::byte* base = nullptr;
        std::uint32_t pages = 0;
    };

    // For the caches; each takes the lock once.
    std::size_t take_slots(std::size_t small_class, std::uint32_t owner, std::byte** slots,
                           std::size_t wanted);
    void give_slot(std::byte* slot);
    /// Those on top of a magazine, which are there until they are elsewhere. The last ones go
    /// first; some are left, as those take long that rows or pages follow.
    void give_slots(std::byte**& top, std::size_t count);
    /// The same of a batch, which the depot may keep for another owner than `giver`.
    void give_batch(std::byte**& top, std::uint32_t giver);
    std::byte* take_block(std::size_t size, std::size_t alignment);
    /// Up to `wanted` blocks of `length` bytes in all, one behind the other; the last may be
    /// longer.
    struct Row {
        std::byte* first = nullptr;
        std::size_t count = 0;
    };
    Row take_blocks(std::size_t length, std::size_t wanted);
    void give_block(std::byte* block);
    /// The same from a magazine, where they were set aside.
    void give_cached_blocks(std::byte** blocks, std::size_t count);
    bool resize_block(std::byte* block, std::size_t new_size);
    std::byte* take_run(std::size_t pages, std::size_t alignment);
    void give_run(std::byte* run);
    bool resize_run(std::byte* run, std::size_t new_pages);
    std::byte* take_internal(std::size_t size);
    void give_internal(std::byte* memory);
    bool trim(std::size_t size);
    void count_failure();
    /// Of a page that is `apart`: the class of the slot there, or that there are blocks.
    [[nodiscard]] std::uint8_t use_apart(const std::byte* block) const;
    /// What became of `slot`, of a slab: looks for it everywhere, in the caches too.
    [[nodiscard]] SlabStore::SlotState state_of_slot(const std::byte* slot) const;
    bool reclaim(std::size_t wanted);
    void attach(HeapCache& cache);
    void detach(HeapCache& cache);

    // Without the lock: what nobody else changes while the block is the caller's.
    [[nodiscard]] std::uint8_t* uses() CAIRN_NO_THREAD_SAFETY_ANALYSIS { return pages_.use_map(); }
    [[nodiscard]] const PageInfo* infos() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        return &pages_.info(0);
    }
    [[nodiscard]] bool is_initialised() const { return window_.pages != 0; }
    /// Whether few pages are left: a hint.
    [[nodiscard]] bool is_short() const { return __atomic_load_n(&short_, __ATOMIC_RELAXED); }
    [[nodiscard]] bool start() const { return starter_ != nullptr && starter_(); }

    // Where there is a depot; on a machine there is none.
    [[nodiscard]] SlotDepot* depot() const { return __STDC_HOSTED__ != 0 ? depot_ : nullptr; }
    [[nodiscard]] bool hand_over(std::byte**& top, std::uint32_t giver);
    std::size_t take_handed(std::size_t small_class, std::uint32_t owner, std::byte** slots);
    bool empty_depot(std::uint32_t owner);
    bool empty_depot();

    // With the lock held.
    std::size_t find_pages(std::size_t count, std::size_t alignment) CAIRN_REQUIRES(lock_);
    bool grow_by(std::size_t pages) CAIRN_REQUIRES(lock_);
    bool grow(std::size_t count) CAIRN_REQUIRES(lock_);
    bool add_chunk_of(std::size_t pages) CAIRN_REQUIRES(lock_);
    bool add_chunk(std::size_t size) CAIRN_REQUIRES(lock_);
    std::byte* find_block(std::size_t size, std::size_t alignment) CAIRN_REQUIRES(lock_);
    bool give_one_slot(std::byte* slot) CAIRN_REQUIRES(lock_);
    void give_one_block(std::byte* block) CAIRN_REQUIRES(lock_);
    void give_slot_apart(std::byte* slot) CAIRN_REQUIRES(lock_);
    void take_slab_apart() CAIRN_REQUIRES(lock_);
    void add_row(const SlabStore::Opened& opened) CAIRN_REQUIRES(lock_);
    void release_chunk(Region chunk) CAIRN_REQUIRES(lock_);
    void release_surplus() CAIRN_REQUIRES(lock_);
    void release() CAIRN_REQUIRES(lock_);
    void add_in_use(std::size_t bytes) CAIRN_REQUIRES(lock_);
    void take_in_use(std::size_t bytes) CAIRN_REQUIRES(lock_);
    void change_in_use(std::size_t old_bytes, std::size_t new_bytes) CAIRN_REQUIRES(lock_);
    void free_pages(std::size_t first) CAIRN_REQUIRES(lock_);
    void note_pages() CAIRN_REQUIRES(lock_);

    /// Whether free slots are so much of the heap that slabs are taken apart: where pages are few,
    /// any.
    [[nodiscard]] bool has_much_in_slots() const CAIRN_REQUIRES(lock_) {
        return slabs_.free_bytes() > (is_short() ? 0 : kept_slots_ + in_use_ / 8);
    }
    /// Whether blocks are to stand for the longest slots, rather than a new slab be made: a few
    /// slabs that are left of some taken apart are no reason.
    [[nodiscard]] bool wants_blocks() const CAIRN_REQUIRES(lock_) {
        return is_short() ? slabs_.has_apart() || slabs_.free_bytes() != 0
                          : slabs_.apart() * slab_size > kept_slots_ / 16;
    }
    [[nodiscard]] bool has_slabs() const {
        return std::size_t{window_.pages} * heap_page >= slab_window;
    }
    [[nodiscard]] std::byte* address(std::size_t page) const {
        return window_.base + page * heap_page;
    }
    [[nodiscard]] std::size_t page_of(const std::byte* address) const {
        return static_cast<std::size_t>(address - window_.base) / heap_page;
    }
    /// What free slots carry: the address of a byte that nobody can own.
    [[nodiscard]] std::uintptr_t origin() const {
        return reinterpret_cast<std::uintptr_t>(window_.base) - 8;
    }

    // What is used most comes first: what is within 256 bytes is half an instruction away, by its
    // size, and one that is within 2 KiB.
    Window window_;
    mutable Spinlock lock_;
    bool short_ = false;                               ///< set with the lock held
    std::size_t in_use_ CAIRN_GUARDED_BY(lock_) = 0;   ///< bytes with users and caches
    std::size_t surplus_ CAIRN_GUARDED_BY(lock_) = 0;  ///< became free since the last release
    std::size_t kept_ CAIRN_GUARDED_BY(lock_) = SIZE_MAX / 2;
    HeapCache* caches_ CAIRN_GUARDED_BY(lock_) = nullptr;
    std::byte* spare_chunk_ CAIRN_GUARDED_BY(lock_) = nullptr;  ///< was free when it was last seen
    FaultReporter report_;
    PageHeap pages_ CAIRN_GUARDED_BY(lock_);
    TlsfArena blocks_ CAIRN_GUARDED_BY(lock_);
    /// Bytes of free slots that no slab is taken apart for, beside an eighth of what is in use.
    std::size_t kept_slots_ CAIRN_GUARDED_BY(lock_) = 0;
    BumpAllocator* source_ CAIRN_GUARDED_BY(lock_) = nullptr;
    std::size_t break_pages_ CAIRN_GUARDED_BY(lock_) = 0;  ///< left when it was last asked
    std::size_t grown_ CAIRN_GUARDED_BY(lock_) = 0;        ///< bytes taken from the break
    std::size_t peak_ CAIRN_GUARDED_BY(lock_) = 0;
    std::uint64_t failures_ CAIRN_GUARDED_BY(lock_) = 0;
    bool (*starter_)();
    SlotDepot* depot_ = nullptr;  ///< where threads hand slots over, if anywhere
    void (*cache_hook_)(HeapCache& cache) CAIRN_GUARDED_BY(lock_) = nullptr;
    Reclaimer reclaimer_ CAIRN_GUARDED_BY(lock_);
    Releaser releaser_ CAIRN_GUARDED_BY(lock_);
    /// `release`, once there is a releaser: programs without one need not have its code.
    void (*release_)(HeapCore& core) CAIRN_GUARDED_BY(lock_) = nullptr;
    SlabStore slabs_ CAIRN_GUARDED_BY(lock_);
};

}  // namespace cairn
