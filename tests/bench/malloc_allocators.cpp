// SPDX-License-Identifier: MIT
// The C library's allocator, or whatever LD_PRELOAD puts in its place.
#include <array>
#include <cstdlib>

#include "tests/bench/measured_allocator.hpp"

namespace cairn::bench {

std::span<const Allocator> allocators() {
    static const std::array list{
        null_allocator,
        Allocator{"malloc", nullptr, std::malloc, std::aligned_alloc, std::free},
    };
    return list;
}

}  // namespace cairn::bench
