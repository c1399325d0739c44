// SPDX-License-Identifier: MIT
// The heap of libcairn_malloc_hardened.so. Everything is zero when it is new and when it is freed;
// blocks of 64 KiB and more lie between pages that cannot be touched, and what of them is freed
// goes to the system at once.
#pragma once

#include <cstddef>

#include "cairn/base/language.hpp"
#include "cairn/hardened.hpp"
#include "cairn/malloc/process_heap.hpp"

namespace cairn::process_heap {

/// The calling thread's cache, as an allocator that all threads have.
struct Caches {
    [[nodiscard]] static std::expected<std::byte*, AllocError> allocate(Layout layout) {
        return cache.allocate(layout);
    }
    static void deallocate(std::byte* block) { cache.deallocate(block); }
    static void deallocate(std::byte* block, Layout layout) { cache.deallocate(block, layout); }
    [[nodiscard]] static bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        return cache.try_resize(block, layout, new_size);
    }
    [[nodiscard]] static std::size_t usable_size(const std::byte* block) {
        return cache.usable_size(block);
    }
    /// An empty cache owns nothing.
    [[nodiscard]] static bool owns(const void* pointer) {
        return cache.open() && cache.owns(pointer);
    }
};

/// By the kernel's page tables.
struct KernelPages {
    static constexpr std::size_t page_size = heap_page;
    [[nodiscard]] static bool protect(Region pages);
    [[nodiscard]] static bool unprotect(Region pages);
    /// Makes them zero, without memory until they are used.
    [[nodiscard]] static bool discard(Region pages);
};

/// What this thread gave back or asked about last, which may be no block: its header may lie where
/// nothing can be touched.
extern constinit thread_local const std::byte* asked;

/// One that fork() can hold, and that knows whose it is.
class CAIRN_CAPABILITY("lock") ForkLock {
  public:
    static constinit Spinlock held;
    static constinit thread_local bool mine;
    void lock() CAIRN_ACQUIRE() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        held.lock();
        mine = true;
    }
    [[nodiscard]] bool try_lock() CAIRN_TRY_ACQUIRE(true) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        mine = held.try_lock();
        return mine;
    }
    void unlock() CAIRN_RELEASE() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        mine = false;
        held.unlock();
    }
};

using HardenedHeap = Hardened<Caches, KernelPages, ForkLock>;

[[nodiscard]] HardenedHeap& hardened_heap();

}  // namespace cairn::process_heap
