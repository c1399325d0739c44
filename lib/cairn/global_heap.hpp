// SPDX-License-Identifier: MIT
// The heap behind the global operator new, where a program links lib/cairn/heap/new.cpp (CMake:
// cairn_new): one break, one HeapCore on it, and a `thread_local` HeapCache for each hart.
//
// On the target `thread_local` means per hart: `tp` points to the hart's copy of .tdata and .tbss
// (hypervisor.ld; a program with one hart lets tp point to the section itself).
#pragma once

#include <cstddef>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/bump_allocator.hpp"
#include "cairn/heap/general/heap_cache.hpp"

namespace cairn {

/// The program's heap as a GeneralHeap: every call goes through the calling hart's cache. Has no
/// state of its own.
class Heap {
  public:
    using Core = HeapCore;
    using Cache = HeapCache;

    /// Puts the heap on `global_break()`, which has its region by then. Once, before the first
    /// `new`; until then every request is refused.
    [[nodiscard]] std::expected<void, AllocError> init(std::string_view owner, FaultHook hook = {});

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        return cache().allocate(layout);
    }
    void deallocate(std::byte* block) { cache().give(block); }
    void deallocate(std::byte* block, Layout layout) { cache().deallocate(block, layout); }
    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        return cache().try_resize(block, layout, new_size);
    }
    [[nodiscard]] std::size_t usable_size(const std::byte* block) const {
        return cache().usable_size(block);
    }
    [[nodiscard]] bool owns(const void* pointer) const { return cache().owns(pointer); }

    /// What the harts share: statistics, the walker, the map, the reclaimer.
    [[nodiscard]] Core& core() const;
    /// The calling hart's own.
    [[nodiscard]] Cache& cache() const;
};
static_assert(GeneralHeap<Heap>);

/// The break that the heap stands on. Constant-initialised; `init` it with `platform_init_heap()`'s
/// region first. What wants memory for ever may take it here.
[[nodiscard]] BumpAllocator& global_break();
[[nodiscard]] Heap& global_heap();

}  // namespace cairn
