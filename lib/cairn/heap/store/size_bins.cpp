// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
#include "cairn/heap/store/size_bins.hpp"

namespace cairn {

unsigned size_bin(std::size_t size) {
    return SizeBins<2>::bin_of(size);
}

}  // namespace cairn
