// SPDX-License-Identifier: MIT
// The C library's allocator and the C++ library's operators, or whatever LD_PRELOAD puts in their
// place.
#include <array>
#include <cstdlib>
#include <new>

#include "tests/bench/measured_allocator.hpp"

namespace cairn::bench {

std::span<const Allocator> allocators() {
    static const std::array list{null_allocator,
                                 Allocator{
                                     .name = "malloc",
                                     .start = nullptr,
                                     .allocate = std::malloc,
                                     .allocate_aligned = std::aligned_alloc,
                                     .free = std::free,
                                     .make = ::operator new,
                                     .unmake = ::operator delete,
                                     .unmake_sized = ::operator delete },
    };
    return list;
}

}  // namespace cairn::bench
