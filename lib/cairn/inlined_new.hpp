// SPDX-License-Identifier: MIT
// A base for classes whose `new` and `delete` are to be inlined, with their size known:
//
//     struct Node : inlined_new { ... };
//     auto* node = new Node(...);      // some ten instructions, no call
//
// For what is made and deleted all the time: each place pays for it in code. What is larger than a
// slot (1024 bytes) gains nothing. For programs that link cairn::new; with CAIRN_HARDENED the
// operators are the global ones. Shaped for: "heap, target, inlined typed new + delete".
#pragma once

#include <cstddef>
#include <new>

#include "cairn/heap/hart_cache.hpp"

namespace cairn {

struct inlined_new {
#ifndef CAIRN_HARDENED
    /// Panics where there is no memory, as the global one does.
    [[nodiscard, gnu::always_inline]] static void* operator new(std::size_t size) {
        void* const block = hart_cache.take(size);
        if (block == nullptr) [[unlikely]]
            panic_out_of_memory(size, default_alignment);
        return block;
    }
    [[nodiscard, gnu::always_inline]] static void* operator new(
        std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
        return hart_cache.take(size);
    }
    [[gnu::always_inline]] static void operator delete(void* block, std::size_t size) noexcept {
        hart_cache.give(static_cast<std::byte*>(block), {size});
    }
    [[gnu::always_inline]] static void operator delete(void* block,
                                                       const std::nothrow_t& /*tag*/) noexcept {
        hart_cache.give(static_cast<std::byte*>(block));
    }
    // A class with an operator new has only those that it says. More alignment than the default is
    // the global operator's work.
    [[nodiscard]] static void* operator new(std::size_t size, std::align_val_t alignment) {
        return ::operator new(size, alignment);
    }
    static void operator delete(void* block, std::size_t size, std::align_val_t alignment) {
        ::operator delete(block, size, alignment);
    }
    [[nodiscard]] static void* operator new(std::size_t /*size*/, void* place) noexcept {
        return place;
    }
    static void operator delete(void* /*block*/, void* /*place*/) noexcept {}
#endif
};

}  // namespace cairn
