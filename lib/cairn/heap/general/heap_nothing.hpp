// SPDX-License-Identifier: MIT
// Requests for no bytes. They get a byte (heap_nothing.cpp); a program that would rather give them
// an address which cannot be touched links definitions of its own, as lib/cairn/malloc/ does.
#pragma once

#include <cstddef>

namespace cairn {

class HeapCache;

/// What a request for no bytes gets; nullptr where memory is out.
[[nodiscard]] std::byte* take_nothing(HeapCache& cache);

/// Of an address in the window that is not the heap's: whether `take_nothing` gave it, and has it
/// back now.
[[nodiscard]] bool give_nothing(const std::byte* block);

}  // namespace cairn
