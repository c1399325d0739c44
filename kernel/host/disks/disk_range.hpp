// SPDX-License-Identifier: MIT
// A range of a disk's sectors, or of its blocks.
#pragma once

#include <cstdint>

namespace cairn {

struct DiskRange {
    std::uint64_t first = 0;
    std::uint64_t count = 0;  ///< first + count does not overflow

    bool operator==(const DiskRange&) const = default;

    [[nodiscard]] constexpr bool overlaps(const DiskRange& other) const {
        return first < other.first + other.count && other.first < first + count;
    }
    /// Whether it has `some` from its own `at` on, whatever they are.
    [[nodiscard]] constexpr bool holds(std::uint64_t at, std::uint64_t some) const {
        return at <= count && some <= count - at;
    }
};
static_assert(!DiskRange{1, 2}.overlaps({3, 1}) && DiskRange{1, 3}.overlaps({3, 1}));
static_assert(DiskRange{9, 4}.holds(4, 0) && !DiskRange{9, 4}.holds(3, 2) &&
              !DiskRange{9, 4}.holds(1, ~std::uint64_t{0}));

}  // namespace cairn
