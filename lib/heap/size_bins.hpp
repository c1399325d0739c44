// SPDX-License-Identifier: MIT
// Free things sorted by size into 64 bins, and one word that says which bins are occupied: the
// arithmetic of segregated fit, for blocks (bytes) and for runs (pages).
//
// Two levels: the first is the power of two below the size, the second cuts each doubling into
// four.
//
//     bin      0     1     2     3     4     5     6     7     8  ...                    63
//     from     1.00  1.25  1.50  1.75  2.00  2.50  3.00  3.50  4.00 ... times 2^smallest_log2
//
// A thing of size s is filed in the bin that s falls into (rounded down); a request for s is looked
// for from the first bin whose every member holds it (rounded up). All of it without a loop.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace cairn {

template <unsigned smallest_log2>
    requires(smallest_log2 >= 2)
class SizeBins {
  public:
    static constexpr unsigned count = 64;
    static constexpr unsigned none = count;
    static constexpr std::size_t smallest = std::size_t{1} << smallest_log2;
    /// Everything from here on shares the last bin, whose members must be compared one by one.
    static constexpr std::size_t shared_from = std::size_t{7} << (smallest_log2 + 15 - 2);

    /// Where a thing of `size` >= `smallest` is filed.
    [[nodiscard]] static constexpr unsigned bin_of(std::size_t size) {
        return std::min(unbounded_bin(size), count - 1);
    }

    /// The first bin whose every member is at least `size` (>= `smallest`) long; `none` beyond the
    /// last, whose members differ.
    [[nodiscard]] static constexpr unsigned bin_that_holds(std::size_t size) {
        return std::min(unbounded_bin(size - 1) + 1, none);
    }

    /// As above where that is known not to be `none`: `size` <= `shared_from`.
    [[nodiscard]] static constexpr unsigned bin_that_surely_holds(std::size_t size) {
        return unbounded_bin(size - 1) + 1;
    }

    void mark(unsigned bin) { occupied_ |= std::uint64_t{1} << bin; }
    void clear(unsigned bin) { occupied_ &= ~(std::uint64_t{1} << bin); }
    [[nodiscard]] bool has(unsigned bin) const { return (occupied_ >> bin & 1) != 0; }

    /// The first occupied bin from `bin` (< count) on, or `none`.
    [[nodiscard]] unsigned next(unsigned bin) const {
        const std::uint64_t left = occupied_ >> bin;
        if (left == 0) return none;
        return bin + static_cast<unsigned>(std::countr_zero(left));
    }

    /// The last occupied bin, or `none`.
    [[nodiscard]] unsigned last() const {
        if (occupied_ == 0) return none;
        return 63U - static_cast<unsigned>(std::countl_zero(occupied_));
    }

  private:
    /// The bin if there were no last one; for sizes that round down to `smallest`, one below 0.
    static constexpr unsigned unbounded_bin(std::size_t size) {
        const auto log = 63U - static_cast<unsigned>(std::countl_zero(std::uint64_t{size}));
        const auto quarter = static_cast<unsigned>(size >> (log - 2));  // 4 .. 7
        return log * 4 + quarter - (smallest_log2 * 4 + 4);
    }

    std::uint64_t occupied_ = 0;
};

static_assert(SizeBins<5>::bin_of(32) == 0 && SizeBins<5>::bin_of(39) == 0);
static_assert(SizeBins<5>::bin_of(40) == 1 && SizeBins<5>::bin_of(63) == 3);
static_assert(SizeBins<5>::bin_of(64) == 4 && SizeBins<5>::bin_of(SIZE_MAX) == 63);
static_assert(SizeBins<5>::bin_that_holds(32) == 0 && SizeBins<5>::bin_that_holds(33) == 1);
static_assert(SizeBins<5>::bin_that_holds(40) == 1 && SizeBins<5>::bin_that_holds(41) == 2);
static_assert(SizeBins<5>::bin_of(SizeBins<5>::shared_from) == 63);
static_assert(SizeBins<5>::bin_that_holds(SizeBins<5>::shared_from) == 63);
static_assert(SizeBins<5>::bin_that_surely_holds(SizeBins<5>::shared_from) == 63);
static_assert(SizeBins<5>::bin_that_holds(SIZE_MAX) == SizeBins<5>::none);
static_assert(SizeBins<5>::bin_of(SizeBins<5>::shared_from - 1) == 62);

}  // namespace cairn
