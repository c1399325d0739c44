// SPDX-License-Identifier: MIT
// The magazines that a HeapCache has for blocks and runs, and which of them a block belongs to:
// that of its total length, in steps that are exact up to 4 KiB.
//
//     length   1040 .. 4096 in steps of 16     4112 .. 64 KiB, 16 bins for each doubling
//     bin      0 .. 191, exact                 192 .. 256, rounded down
//
// A longer request looks at the block on top of its bin, which may be too short by less than a
// step, then into the next bin, which has none that is, and in a vast window the one behind. For
// heap_cache's own files.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "cairn/heap/general/magazine.hpp"
#include "cairn/heap/store/slab_geometry.hpp"
#include "cairn/heap/store/tlsf_block.hpp"

namespace cairn {
namespace heap_bins {

inline constexpr std::size_t first_fine = 1040;
inline constexpr std::size_t last_fine = 4096;
inline constexpr std::size_t fine_step = tlsf::grain;
inline constexpr std::size_t last_coarse = 64 * 1024;
inline constexpr std::size_t fine_bins = (last_fine - first_fine) / fine_step + 1;
inline constexpr std::size_t coarse_steps = 16;               // in each doubling
inline constexpr std::size_t most_excess = coarse_steps / 2;  // of two bins; a part of the request
inline constexpr std::size_t coarse_grain = last_fine / coarse_steps;
inline constexpr std::size_t coarse_bins = coarse_steps * 4 + 1;
inline constexpr std::size_t run_bins = 16;                        // pages
inline constexpr std::size_t first_run = fine_bins + coarse_bins;  // of all magazines' numbers
inline constexpr std::size_t first_slot = first_run + run_bins;
inline constexpr std::size_t all_bins = first_slot + small_classes;
inline constexpr std::size_t worth_pages = heap_page / 4;  // bytes at a page's alignment, and more
inline constexpr std::size_t largest_cached = last_coarse - tlsf::header_size;
inline constexpr std::size_t roomy_window = 16 * 1024 * 1024;  // smaller ones have half the slots
inline constexpr std::size_t vast_window = std::size_t{1} << 30;  // where address space is plenty
inline constexpr std::size_t next_bins = 2;  // of longer blocks, which may serve there
inline constexpr std::size_t no_bin = SIZE_MAX;
inline constexpr std::size_t block_batch = 8;  // at most so many, of last_fine bytes together
using FineMagazine = Magazine<32>;
using CoarseMagazine = Magazine<8>;
using RunMagazine = Magazine<64>;

/// Which of the coarse bins keeps a length, by its coarse grains.
inline constexpr auto coarse_table = [] {
    std::array<std::uint8_t, last_coarse / coarse_grain + 1> bins{};
    for (std::size_t grains = coarse_steps; grains < bins.size(); ++grains) {
        const auto doubling =
            static_cast<unsigned>(std::bit_width(grains) - std::bit_width(coarse_steps));
        bins[grains] =
            static_cast<std::uint8_t>((doubling - 1) * coarse_steps + (grains >> doubling));
    }
    return bins;
}();

/// Of a length from last_fine to last_coarse.
constexpr std::size_t coarse_bin(std::size_t length) {
    return fine_bins + coarse_table[length / coarse_grain];
}

/// The bin that blocks of `length` in all are kept in.
constexpr std::size_t block_bin(std::size_t length) {
    if (length - first_fine <= last_fine - first_fine) return (length - first_fine) / fine_step;
    if (length < first_fine || length > last_coarse) return no_bin;
    return coarse_bin(length);
}

static_assert(block_bin(tlsf::length_for(largest_small + 1)) == 0);
static_assert(block_bin(last_fine) == fine_bins - 1);
static_assert(block_bin(last_fine + fine_step) == fine_bins);
static_assert(block_bin(last_coarse) == fine_bins + coarse_bins - 1);

}  // namespace heap_bins

struct Magazines {
    // First, as 2 KiB are what a load reaches.
    std::array<MagazineTop, heap_bins::run_bins> run_tops;
    std::array<MagazineTop, heap_bins::fine_bins + heap_bins::coarse_bins + 1> block_tops;
    std::array<SlotMagazine, small_classes + 1> slots;
    std::array<heap_bins::FineMagazine, heap_bins::fine_bins> fine;
    std::array<heap_bins::CoarseMagazine, heap_bins::coarse_bins> coarse;
    std::array<heap_bins::RunMagazine, heap_bins::run_bins> runs;

    /// Of blocks of `length`, which is a multiple of fine_step and has a magazine of its own.
    [[nodiscard]] MagazineTop& fine_top(std::size_t length) {
        // Their distance, in one shift.
        constexpr std::size_t steps = heap_bins::fine_step / sizeof(MagazineTop);
        auto* const tops = reinterpret_cast<std::byte*>(block_tops.data());
        return *reinterpret_cast<MagazineTop*>(tops + length / steps -
                                               heap_bins::first_fine / steps);
    }

    Magazines() {
        for (std::size_t i = 0; i < heap_bins::fine_bins; ++i)
            block_tops[i] = fine[i].clear();
        for (std::size_t i = 0; i < heap_bins::coarse_bins; ++i)
            block_tops[heap_bins::fine_bins + i] = coarse[i].clear();
        block_tops.back() = no_magazine;  // what the last bin's next one is
        for (std::size_t i = 0; i < heap_bins::run_bins; ++i)
            run_tops[i] = runs[i].clear();
    }
};
/// What each hart's cache takes of the heap.
static_assert(sizeof(void*) != 8 || sizeof(Magazines) == 97'792);

}  // namespace cairn
