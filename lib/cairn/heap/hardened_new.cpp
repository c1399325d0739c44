// SPDX-License-Identifier: MIT
// Compiled: into cairn::new alone. A program chooses who replaces its operators.
// The global operator new and delete of a build with CAIRN_HARDENED, in place of new.cpp: every
// block has ground around it, waits in a quarantine when it is freed, and lies between guard pages
// where it is large and the platform has them (lib/cairn/hardened.hpp). `global_heap()` itself, for
// those who take memory there, is as always.
#include <memory>
#include <new>

#include "cairn/allocator.hpp"
#include "cairn/hardened.hpp"
#include "cairn/heap/hart_cache.hpp"
#ifdef __unix__
#include "cairn/host_guard_pages.hpp"
#endif

namespace cairn {
namespace {

#ifdef __unix__
using Guards = HostGuardPages;
#else
using Guards = NoGuardPages;
#endif
using HardenedHeap = Hardened<Heap, Guards>;

/// Made when the heap starts; never destroyed, as static objects are deleted late.
union Place {
    constexpr Place() : empty{} {}
    constexpr ~Place() {}
    char empty;
    HardenedHeap heap;
};
constinit Place place;
constinit bool started = false;

void* take(std::size_t size, std::size_t alignment) {
    return started ? place.heap.allocate({size, alignment}).value_or(nullptr) : nullptr;
}

void* take_or_panic(std::size_t size, std::size_t alignment) {
    void* const block = take(size, alignment);
    if (block == nullptr) panic_out_of_memory(size, alignment);
    return block;
}

void give(void* block) {
    if (block != nullptr) place.heap.deallocate(static_cast<std::byte*>(block));
}

void give(void* block, std::size_t size, std::size_t alignment) {
    if (block != nullptr) place.heap.deallocate(static_cast<std::byte*>(block), {size, alignment});
}

constexpr std::size_t number(std::align_val_t alignment) {
    return static_cast<std::size_t>(alignment);
}

}  // namespace

void start_operators(std::string_view owner, FaultHook hook) {
    std::construct_at(&place.heap, global_heap(), owner, hook);
    started = true;
}

bool resize_in_place(void* block, std::size_t old_size, std::size_t new_size) noexcept {
    return place.heap.try_resize(static_cast<std::byte*>(block), {old_size}, new_size);
}

}  // namespace cairn

using namespace cairn;

// clang-format off
void* operator new(std::size_t size) { return take_or_panic(size, default_alignment); }
void* operator new(std::size_t size, std::align_val_t alignment) { return take_or_panic(size, number(alignment)); }
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept { return take(size, default_alignment); }
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t& /*tag*/) noexcept { return take(size, number(alignment)); }
void operator delete(void* block) noexcept { give(block); }
void operator delete(void* block, std::size_t size) noexcept { give(block, size, default_alignment); }
void operator delete(void* block, std::size_t size, std::align_val_t alignment) noexcept { give(block, size, number(alignment)); }
// clang-format on
