// SPDX-License-Identifier: MIT
// What malloc and operator new are in libcairn_malloc.so: the process's heap, and nothing between.
// hardened_calls.hpp has the same functions for the hardened one; CMakeLists.txt chooses.
#pragma once

#include <cstddef>

#include "cairn/malloc/family.hpp"
#include "cairn/malloc/process_heap.hpp"

namespace cairn::calls {

/// Whether a block has exactly the size that was asked for.
inline constexpr bool exact = false;

// Shaped for: "Instructions on the host".

/// At least `size` bytes; nullptr where there are none, and ENOMEM in errno.
[[nodiscard, gnu::always_inline]] inline std::byte* take(std::size_t size, Family /*family*/) {
    return process_heap::cache.take(size);
}
/// At a multiple of `alignment`, which is a power of two.
[[nodiscard, gnu::always_inline]] inline std::byte* take(std::size_t size, std::size_t alignment,
                                                         Family /*family*/) {
    return process_heap::cache.take(size, alignment);
}
/// The same if it takes no call; nullptr says nothing. Whoever has more to do with what `take`
/// returns calls that last.
[[nodiscard, gnu::always_inline]] inline std::byte* take_at_hand(std::size_t size) {
    return process_heap::cache.take_at_hand(size);
}
/// At a multiple of `alignment`; nullptr too where that is no power of two.
[[nodiscard, gnu::always_inline]] inline std::byte* take_at_hand(std::size_t size,
                                                                 std::size_t alignment) {
    return process_heap::cache.take_at_hand(size, alignment);
}
/// At a page's start.
[[nodiscard, gnu::always_inline]] inline std::byte* take_pages(std::size_t size) {
    return process_heap::cache.take_pages(size);
}
[[nodiscard]] inline std::byte* take_zeroed(std::size_t size) {
    return process_heap::take_zeroed(size);
}
/// What another operator new made of `malloc`'s blocks.
[[nodiscard]] inline void* adopt(void* block, Family /*family*/) {
    return block;
}

[[gnu::always_inline]] inline void give(void* block, Family /*family*/) {
    process_heap::cache.give(static_cast<std::byte*>(block));
}
[[gnu::always_inline]] inline void give(void* block, std::size_t size, std::size_t alignment,
                                        Family /*family*/) {
    process_heap::cache.give(static_cast<std::byte*>(block), {size, alignment});
}

/// What may be used of a block; ends the process if it is none.
[[nodiscard]] inline std::size_t usable_size(void* block) {
    return process_heap::usable_size(block);
}
[[nodiscard]] inline bool try_resize(void* block, std::size_t usable, std::size_t size) {
    return process_heap::cache.try_resize(static_cast<std::byte*>(block), {.size = usable}, size);
}

/// Takes the lock that is taken before the core's, if there is one and it is free, or `waits` for
/// it; whether it was got.
inline bool hold(bool /*waits*/) {
    return true;
}
/// Gives it back, if this thread holds it.
inline void let_go() {}

}  // namespace cairn::calls
