// SPDX-License-Identifier: MIT
// The heap of a whole process, behind malloc: one window of reserved address space, one HeapCore in
// it, and a HeapCache for each thread.
//
// It starts with the first request, whoever makes it: the dynamic loader and
// constructors come before any code of ours. Nothing here has a constructor or a destructor, so it
// works until the last instruction. Threads give their caches back when they end; fork() is waited
// for with the core's lock, and the child goes on with the one thread it has. A fault of the heap's
// user ends the process with a sentence.
//
// The fast path is the cache's: one thread-local address (initial-exec: no call), no lock.
#pragma once

#include <cstddef>

#include "cairn/heap/general/heap_cache.hpp"
#include "cairn/heap/general/heap_core.hpp"

namespace cairn::process_heap {

using Core = HeapCore;
using Cache = HeapCache;

extern constinit Core core;
extern constinit thread_local Cache cache;

// Shaped for: "Instructions on the host".

/// At least `size` bytes; nullptr where there are none, and ENOMEM in errno.
[[nodiscard, gnu::always_inline]] inline std::byte* take(std::size_t size) {
    return cache.take(size);
}

/// At a multiple of `alignment`, which is a power of two.
[[nodiscard, gnu::always_inline]] inline std::byte* take(std::size_t size, std::size_t alignment) {
    return cache.take(size, alignment);
}

/// Zeroed memory: large blocks as the kernel's own zero pages, which cost nothing until they are
/// used.
[[nodiscard]] std::byte* take_zeroed(std::size_t size);

[[gnu::always_inline]] inline void give(void* block) {
    cache.give(static_cast<std::byte*>(block));
}

/// What may be used of a block; ends the process if it is none.
[[nodiscard]] std::size_t usable_size(void* block);

}  // namespace cairn::process_heap
