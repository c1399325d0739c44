// SPDX-License-Identifier: MIT
// The heap behind the global operator new, where a program links lib/heap/new.cpp (CMake:
// cairn_new).
#pragma once

#include <cstddef>

#include "lib/heap/bump_allocator.hpp"

namespace cairn {

/// Constant-initialised; `init` it with `platform_init_heap()`'s region before the first `new`.
/// Defined by lib/heap/new.cpp only.
[[nodiscard]] BumpAllocator& global_heap();

/// Changes a block of operator new's from `old_size` to `new_size` bytes where it lies, if that
/// can be done. Hosted programs that keep their own operator new link a version that never can
/// (lib/heap/host_heap.cpp).
[[nodiscard]] bool resize_in_place(void* block, std::size_t old_size,
                                   std::size_t new_size) noexcept;

}  // namespace cairn
