// SPDX-License-Identifier: MIT
// What stands behind memcpy, memmove, memset and memcmp on the target; the same contracts.
#pragma once

#include <cstddef>

namespace cairn::memory {

/// memcpy: the ranges do not overlap, or `destination` lies below `source`.
void* copy(void* destination, const void* source, std::size_t size);
/// memmove: any overlap.
void* move(void* destination, const void* source, std::size_t size);
/// memset.
void* set(void* destination, int value, std::size_t size);
/// memcmp.
int compare(const void* left, const void* right, std::size_t size);

}  // namespace cairn::memory
