// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
#include "cairn/heap/general/heap_nothing.hpp"

#include "cairn/heap/general/heap_cache.hpp"

namespace cairn {

std::byte* take_nothing(HeapCache& cache) {
    return cache.take_as({.size = 1});
}

bool give_nothing(const std::byte* /*block*/) {
    return false;
}

}  // namespace cairn
