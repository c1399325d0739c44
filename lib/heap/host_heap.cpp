// SPDX-License-Identifier: MIT
// For hosted programs that keep the C library's heap. A program that links lib/heap/new.cpp never
// pulls this file out of the archive.
#include "lib/heap/global_heap.hpp"

namespace cairn {

bool resize_in_place(void* /*block*/, std::size_t /*old_size*/, std::size_t /*new_size*/) noexcept {
    return false;
}

}  // namespace cairn
