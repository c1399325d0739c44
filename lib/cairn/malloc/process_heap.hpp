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
// malloc and operator new come here through calls that CMakeLists.txt chooses: quick_calls.hpp or
// hardened_calls.hpp. The fast path is the cache's: one thread-local address (initial-exec: no
// call), no lock.
#pragma once

#include <cstddef>

#include "cairn/heap/general/heap_cache.hpp"
#include "cairn/heap/general/heap_core.hpp"

namespace cairn::process_heap {

using Core = HeapCore;
using Cache = HeapCache;

extern constinit Core core;
extern constinit thread_local Cache cache;

/// Zeroed memory: large blocks as the kernel's own zero pages, which cost nothing until they are
/// used. nullptr where there are none, and ENOMEM in errno.
[[nodiscard]] std::byte* take_zeroed(std::size_t size);

/// What may be used of a block; ends the process if it is none.
[[nodiscard]] std::size_t usable_size(void* block);

/// An address that is nobody else's and traps; nullptr where there is none.
[[nodiscard]] std::byte* take_untouchable();
/// Whether it is one, and live.
[[nodiscard]] bool is_untouchable(const void* block);

/// The end of the process, with a sentence. The core's lock may be held.
[[noreturn]] void die(void* context, const HeapFault& fault);

}  // namespace cairn::process_heap
