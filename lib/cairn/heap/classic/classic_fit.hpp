// SPDX-License-Identifier: MIT
// Which of the free blocks that are large enough to take: the three classical answers.
//
//     [.... 64][# 16][...... 96][# 16][.. 32][# 16][........ 160]      32 bytes are asked for
//                     ▲ rover
//      first fit       next fit        best fit
//      the lowest      from the rover  the smallest
//
// A policy is a class with a name and a function `choose`, which walks the free list through a
// Search. Yours is as good as these: ClassicHeap takes any FitPolicy.
#pragma once

#include <concepts>
#include <string_view>

#include "cairn/heap/classic/classic_blocks.hpp"

namespace cairn {

template <class F>
concept FitPolicy = requires(classic::Search& search) {
    { F::choose(search) } -> std::same_as<classic::Block*>;  // nullptr: none fits
    { F::name } -> std::convertible_to<std::string_view>;
};

/// The lowest block that fits. Small blocks gather at the low end, large ones stay at the high end.
struct FirstFit {
    static constexpr std::string_view name = "first fit";

    static classic::Block* choose(classic::Search& search) {
        for (classic::Block* block = search.first(); block != nullptr; block = search.next(block)) {
            if (search.fits(block)) return block;
        }
        return nullptr;
    }
};

/// The first that fits from where the last search ended, and once around. Short searches; but no
/// part of memory is left in peace, so large blocks get rare.
struct NextFit {
    static constexpr std::string_view name = "next fit";

    static classic::Block* choose(classic::Search& search) {
        classic::Block* const start = search.rover();
        for (classic::Block* block = start; block != nullptr; block = search.next(block)) {
            if (search.fits(block)) return block;
        }
        for (classic::Block* block = search.first(); block != nullptr && block != start;
             block = search.next(block)) {
            if (search.fits(block)) return block;
        }
        return nullptr;
    }
};

/// The smallest block that fits, the lowest of several. It looks at every free block, unless one
/// fits exactly; what it leaves over is as small as can be.
struct BestFit {
    static constexpr std::string_view name = "best fit";

    static classic::Block* choose(classic::Search& search) {
        classic::Block* best = nullptr;
        for (classic::Block* block = search.first(); block != nullptr; block = search.next(block)) {
            if (!search.fits(block)) continue;
            if (best == nullptr || block->size < best->size) best = block;
            if (block->size == search.size()) break;
        }
        return best;
    }
};

static_assert(FitPolicy<FirstFit> && FitPolicy<NextFit> && FitPolicy<BestFit>);

}  // namespace cairn
