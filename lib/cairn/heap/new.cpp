// SPDX-License-Identifier: MIT
// Compiled: into cairn::new alone. A program chooses who replaces its operators.
// The global operator new and delete, in all their forms, on the global heap.
//
// Out of memory: the plain forms panic with a sentence (there are no exceptions to throw), the
// nothrow forms return nullptr. Code that works on behalf of a guest uses only forms that can say
// no: nothrow new, or the try_ functions of allocators and containers.
#include <new>

#include "cairn/allocator.hpp"
#include "cairn/heap/hart_cache.hpp"

using cairn::hart_cache;

void cairn::start_operators(std::string_view /*owner*/, FaultHook /*hook*/) {}

bool cairn::resize_in_place(void* block, std::size_t old_size, std::size_t new_size) noexcept {
    return hart_cache.try_resize(static_cast<std::byte*>(block), {old_size}, new_size);
}

// These have the heap's quick path inside them; the other forms (new_forms.cpp) jump here.

void* operator new(std::size_t size) {
    void* const block = hart_cache.take(size);
    if (block == nullptr) [[unlikely]]
        cairn::panic_out_of_memory(size, cairn::default_alignment);
    return block;
}

void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    return hart_cache.take(size);
}

void* operator new(std::size_t size, std::align_val_t alignment,
                   const std::nothrow_t& /*tag*/) noexcept {
    return hart_cache.take(size, static_cast<std::size_t>(alignment));
}

void* operator new(std::size_t size, std::align_val_t alignment) {
    void* const block = operator new(size, alignment, std::nothrow);
    if (block == nullptr) [[unlikely]]
        cairn::panic_out_of_memory(size, static_cast<std::size_t>(alignment));
    return block;
}

void operator delete(void* block) noexcept {
    hart_cache.give(static_cast<std::byte*>(block));
}

void operator delete(void* block, std::size_t size) noexcept {
    hart_cache.give(static_cast<std::byte*>(block), {size});
}

void operator delete(void* block, std::size_t size, std::align_val_t alignment) noexcept {
    hart_cache.give_as(static_cast<std::byte*>(block), {size, static_cast<std::size_t>(alignment)});
}
