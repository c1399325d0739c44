// SPDX-License-Identifier: MIT
// The global operator new and delete, in all their forms, on the global heap.
//
// Out of memory: the plain forms panic with a sentence (there are no exceptions to throw), the
// nothrow forms return nullptr. Code that works on behalf of a guest uses only forms that can say
// no: nothrow new, or the try_ functions of allocators and containers.
#include <bit>
#include <new>

#include "lib/heap/global_heap.hpp"
#include "lib/heap/thread_exit.hpp"
#include "lib/print.hpp"

namespace cairn {
namespace {

constinit BumpAllocator source;
constinit Heap::Core core;
constinit thread_local Heap::Cache hart_cache(core);
constinit Heap heap;

[[noreturn, gnu::cold, gnu::noinline]] void panic_out_of_memory(std::size_t size,
                                                                std::size_t alignment) {
    if (!std::has_single_bit(alignment)) {
        panic_format("operator new: {}: {} bytes with alignment {} asked for",
                     AllocError::bad_alignment, size, alignment);
    }
    core.open_reserve();  // for the report
    panic_format("operator new: {}: {} bytes with alignment {} asked for; {}",
                 AllocError::out_of_memory, size, alignment, core.statistics());
}

constexpr std::size_t plain = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
static_assert(plain <= default_alignment);

}  // namespace

BumpAllocator& global_break() {
    return source;
}

Heap& global_heap() {
    return heap;
}

std::expected<void, AllocError> Heap::init(std::string_view owner, FaultHook hook) {
    core().set_cache_hook([](Cache& cache) {
        at_thread_exit([](void* closing) { static_cast<Cache*>(closing)->close(); }, &cache);
    });
    const auto started = core().init(source, owner, hook);
    if (started) cache().open();
    return started;
}

Heap::Core& Heap::core() const {
    return cairn::core;
}

Heap::Cache& Heap::cache() const {
    return hart_cache;
}

bool resize_in_place(void* block, std::size_t old_size, std::size_t new_size) noexcept {
    return hart_cache.try_resize(static_cast<std::byte*>(block), {old_size, plain}, new_size);
}

}  // namespace cairn

// One of each kind has the heap's quick path inside it; the others jump there.

void* operator new(std::size_t size) {
    void* const block = cairn::hart_cache.take(size);
    if (block == nullptr) [[unlikely]]
        cairn::panic_out_of_memory(size, cairn::plain);
    return block;
}

void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    return cairn::hart_cache.take(size);
}

void* operator new(std::size_t size, std::align_val_t alignment,
                   const std::nothrow_t& /*tag*/) noexcept {
    return cairn::hart_cache.take(size, static_cast<std::size_t>(alignment));
}

void* operator new(std::size_t size, std::align_val_t alignment) {
    void* const block = operator new(size, alignment, std::nothrow);
    if (block == nullptr) [[unlikely]]
        cairn::panic_out_of_memory(size, static_cast<std::size_t>(alignment));
    return block;
}

void operator delete(void* block) noexcept {
    cairn::hart_cache.give(static_cast<std::byte*>(block));
}

void operator delete(void* block, std::size_t size) noexcept {
    cairn::hart_cache.give(static_cast<std::byte*>(block), {size});
}

void operator delete(void* block, std::size_t size, std::align_val_t alignment) noexcept {
    cairn::hart_cache.give(static_cast<std::byte*>(block),
                           {size, static_cast<std::size_t>(alignment)});
}

// clang-format off
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return operator new(size, alignment); }
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t& tag) noexcept { return operator new(size, alignment, tag); }

void operator delete[](void* block) noexcept { operator delete(block); }
void operator delete(void* block, std::align_val_t /*alignment*/) noexcept { operator delete(block); }
void operator delete[](void* block, std::align_val_t /*alignment*/) noexcept { operator delete(block); }
void operator delete[](void* block, std::size_t size) noexcept { operator delete(block, size); }
void operator delete[](void* block, std::size_t size, std::align_val_t alignment) noexcept { operator delete(block, size, alignment); }
void operator delete(void* block, const std::nothrow_t& /*tag*/) noexcept { operator delete(block); }
void operator delete[](void* block, const std::nothrow_t& /*tag*/) noexcept { operator delete(block); }
void operator delete(void* block, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept { operator delete(block); }
void operator delete[](void* block, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept { operator delete(block); }
// clang-format on
