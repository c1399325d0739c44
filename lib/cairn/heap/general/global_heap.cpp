// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/global_heap.hpp"

#include <bit>

#include "cairn/heap/hart_cache.hpp"
#include "cairn/heap/thread_exit.hpp"
#include "cairn/print.hpp"

namespace cairn {
namespace {

constinit BumpAllocator source;
constinit Heap::Core shared;
constinit Heap heap;

}  // namespace

constinit thread_local Heap::Cache hart_cache(shared);

void panic_out_of_memory(std::size_t size, std::size_t alignment) {
    if (!std::has_single_bit(alignment)) {
        panic_format("operator new: {}: {} bytes with alignment {} asked for",
                     AllocError::bad_alignment, size, alignment);
    }
    panic_format("operator new: {}: {} bytes with alignment {} asked for; {}",
                 AllocError::out_of_memory, size, alignment, shared.statistics());
}

BumpAllocator& global_break() {
    return source;
}

Heap& global_heap() {
    return heap;
}

std::expected<void, AllocError> Heap::init(std::string_view owner, FaultHook hook) {
    core().set_cache_hook(close_at_thread_exit);
    const auto started = core().init(source, owner, hook);
    if (started) cache().open();
    if (started) start_operators(owner, hook);
    return started;
}

Heap::Core& Heap::core() const {
    return shared;
}

Heap::Cache& Heap::cache() const {
    return hart_cache;
}

}  // namespace cairn
