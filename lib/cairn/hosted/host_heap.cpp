// SPDX-License-Identifier: MIT
// Compiled: for hosted programs alone. It calls the host's library.
// For hosted programs that keep the C library's heap. A program that links lib/cairn/heap/new.cpp
// never pulls this file out of the archive.
#include "cairn/allocator.hpp"

namespace cairn {

bool resize_in_place(void* /*block*/, std::size_t /*old_size*/, std::size_t /*new_size*/) noexcept {
    return false;
}

}  // namespace cairn
