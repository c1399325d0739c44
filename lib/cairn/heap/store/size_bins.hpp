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
// for from the first bin whose every member holds it (rounded up). All of it without a loop: with a
// count of leading zeros where the processor has an instruction for that (a RISC-V without Zbb has
// not), else with a table that serves six doublings at a time.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace cairn {

#if defined(__riscv) && !defined(__riscv_zbb)
inline constexpr bool counts_zeros = false;
#else
inline constexpr bool counts_zeros = true;
#endif

/// Where sizes 4 to 255 are filed if the smallest is 4.
inline constexpr std::array<std::uint8_t, 256> bin_table = [] {
    std::array<std::uint8_t, 256> bins{};
    for (unsigned size = 4; size < bins.size(); ++size) {
        const unsigned log = static_cast<unsigned>(std::bit_width(size)) - 1;
        bins[size] = static_cast<std::uint8_t>((log - 2) * 4 + (size >> (log - 2)) - 4);
    }
    return bins;
}();

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
        if constexpr (!counts_zeros) return bin_by_table(size);
        return static_cast<unsigned>(std::min<std::size_t>(bin_by_zeros(size), count - 1));
    }

    /// What `own_bin_of` leaves out, as it costs an instruction.
    static constexpr std::ptrdiff_t first = counts_zeros ? (63 - smallest_log2) * 4 - 4 : 0;
    /// The bin of a size that is known to be at most `shared_from`, less `first`.
    [[nodiscard]] static constexpr std::ptrdiff_t own_bin_of(std::size_t size) {
        if constexpr (!counts_zeros) return static_cast<std::ptrdiff_t>(bin_by_table(size));
        return static_cast<std::ptrdiff_t>(bin_by_zeros(size)) - first;
    }

    /// The first bin whose every member is at least `size` (>= `smallest`) long; `none` beyond the
    /// last, whose members differ.
    [[nodiscard]] static constexpr unsigned bin_that_holds(std::size_t size) {
        return size == smallest ? 0 : bin_of(size - 1) + 1;
    }

    void mark(unsigned bin) { occupied_ |= std::uint64_t{1} << bin; }
    void clear(unsigned bin) { occupied_ &= ~(std::uint64_t{1} << bin); }
    [[nodiscard]] bool has(unsigned bin) const { return (occupied_ >> bin & 1) != 0; }

    /// The first occupied bin from `bin` (< count) on, or `none`.
    [[nodiscard]] unsigned next(unsigned bin) const {
        std::uint64_t left = occupied_ >> bin;
        if (left == 0) return none;
        if constexpr (counts_zeros) return bin + static_cast<unsigned>(std::countr_zero(left));
        for (; (left & 1) == 0; left >>= 1)
            ++bin;
        return bin;
    }

    /// The last occupied bin, or `none`.
    [[nodiscard]] unsigned last() const {
        unsigned bins = count;
        while (bins != 0 && !has(bins - 1))
            --bins;
        return bins - 1 < count ? bins - 1 : none;
    }

  private:
    static constexpr std::size_t bin_by_zeros(std::size_t size) {
        const auto zeros = static_cast<std::size_t>(std::countl_zero(std::uint64_t{size}));
        const auto quarter =
            static_cast<std::size_t>(std::uint64_t{size} << zeros >> 61);  // 4 .. 7
        return quarter - zeros * 4 + std::size_t{63 - smallest_log2} * 4 - 4;
    }

    static constexpr unsigned bin_by_table(std::size_t size) {
        constexpr unsigned shift = smallest_log2 - 2;
        if (size >> (shift + 8) == 0) [[likely]]
            return bin_table[size >> shift];
        if (size >> (shift + 14) == 0) return bin_table[size >> (shift + 6)] + 24U;
        if (size >= shared_from) return count - 1;
        return bin_table[size >> (shift + 12)] + 48U;
    }

    /// Where one bin ends and the next begins is all there is to compare.
    static constexpr bool table_agrees() {
        for (std::size_t low = smallest; low < 4 * shared_from; low *= 2) {
            for (std::size_t size = low; size < 2 * low; size += low / 4) {
                const std::size_t bin = std::min<std::size_t>(bin_by_zeros(size), count - 1);
                const std::size_t before = std::min<std::size_t>(bin_by_zeros(size - 1), count - 1);
                if (bin_by_table(size) != bin) return false;
                if (size != smallest && bin_by_table(size - 1) != before) return false;
            }
        }
        return true;
    }
    static_assert(table_agrees());

    std::uint64_t occupied_ = 0;
};

/// SizeBins<2>::bin_of out of line, as it takes 90 bytes where the hart has no Zbb. Other bins are
/// the same ones times a power of two.
[[nodiscard]] unsigned size_bin(std::size_t size);

static_assert(SizeBins<5>::bin_of(32) == 0 && SizeBins<5>::bin_of(39) == 0);
static_assert(SizeBins<5>::bin_of(40) == 1 && SizeBins<5>::bin_of(63) == 3);
static_assert(SizeBins<5>::bin_of(64) == 4 && SizeBins<5>::bin_of(SIZE_MAX) == 63);
static_assert(SizeBins<5>::own_bin_of(32) + SizeBins<5>::first == 0);
static_assert(SizeBins<5>::own_bin_of(SizeBins<5>::shared_from) + SizeBins<5>::first == 63);
static_assert(SizeBins<5>::bin_that_holds(32) == 0 && SizeBins<5>::bin_that_holds(33) == 1);
static_assert(SizeBins<5>::bin_that_holds(40) == 1 && SizeBins<5>::bin_that_holds(41) == 2);
static_assert(SizeBins<5>::bin_of(SizeBins<5>::shared_from) == 63);
static_assert(SizeBins<5>::bin_that_holds(SizeBins<5>::shared_from) == 63);
static_assert(SizeBins<5>::bin_that_holds(SIZE_MAX) == SizeBins<5>::none);
static_assert(SizeBins<5>::bin_of(SizeBins<5>::shared_from - 1) == 62);
static_assert(SizeBins<2>::bin_of((SizeBins<5>::shared_from - 1) / 8) == 62);

}  // namespace cairn
