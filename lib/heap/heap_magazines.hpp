// SPDX-License-Identifier: MIT
// The magazines that a HeapCache has, and which of them blocks of a size belong to. For
// heap_cache's own files.
//
//     total length of a block   528 .. 4096 in steps of 16   4224 .. 32 KiB in steps of 128
//     number of its bin         0 .. 223                     224 .. 447
#pragma once

#include <array>
#include <cstddef>

#include "lib/heap/magazine.hpp"
#include "lib/heap/slab_geometry.hpp"
#include "lib/heap/tlsf_block.hpp"

namespace cairn {
namespace heap_bins {

// Blocks by their size with header: exact in steps of 16 bytes, then in steps of 128.
inline constexpr std::size_t first_fine = 528;
inline constexpr std::size_t last_fine = 4096;
inline constexpr std::size_t fine_step = 16;
inline constexpr std::size_t first_coarse = 4224;
inline constexpr std::size_t last_coarse = 32 * 1024;
inline constexpr std::size_t coarse_step = 128;
inline constexpr std::size_t fine_bins = (last_fine - first_fine) / fine_step + 1;
inline constexpr std::size_t coarse_bins = (last_coarse - first_coarse) / coarse_step + 1;
inline constexpr std::size_t run_bins = 16;                // pages
inline constexpr std::size_t worth_pages = heap_page / 4;  // bytes at a page's alignment, and more
inline constexpr std::size_t largest_cached = last_coarse - tlsf::header_size;
inline constexpr std::size_t no_bin = SIZE_MAX;
using FineMagazine = Magazine<16>;
using CoarseMagazine = Magazine<4>;
using RunMagazine = Magazine<32>;

/// The magazine of blocks with `bytes` in all; rounds down, as a block may be a step longer than it
/// was asked for.
constexpr std::size_t block_bin(std::size_t bytes) {
    if (bytes - first_fine <= last_fine - first_fine) return (bytes - first_fine) / fine_step;
    if (bytes - first_coarse >= last_coarse + coarse_step - first_coarse) return no_bin;
    return fine_bins + (bytes - first_coarse) / coarse_step;
}

/// What a block for `size` bytes, more than a slot has, has in all: so that it fits its magazine
/// exactly.
constexpr std::size_t block_bytes(std::size_t size) {
    const std::size_t bytes = (size + tlsf::header_size + fine_step - 1) & ~(fine_step - 1);
    if (bytes <= last_fine) return bytes;
    return (bytes + coarse_step - 1) & ~(coarse_step - 1);
}

static_assert(block_bin(block_bytes(largest_small + 1)) == 0);
static_assert(block_bin(last_fine) == fine_bins - 1 && block_bin(first_coarse) == fine_bins);
static_assert(block_bin(block_bytes(largest_cached)) == fine_bins + coarse_bins - 1);

}  // namespace heap_bins

struct Magazines {
    std::array<Magazine<32>, small_classes + 1> slots;
    std::array<heap_bins::FineMagazine, heap_bins::fine_bins> fine;
    std::array<heap_bins::CoarseMagazine, heap_bins::coarse_bins> coarse;
    std::array<heap_bins::RunMagazine, heap_bins::run_bins> runs;
    std::array<MagazineTop, heap_bins::fine_bins + heap_bins::coarse_bins> block_tops;
    std::array<MagazineTop, heap_bins::run_bins> run_tops;

    Magazines() {
        for (std::size_t i = 0; i < heap_bins::fine_bins; ++i)
            block_tops[i] = fine[i].clear();
        for (std::size_t i = 0; i < heap_bins::coarse_bins; ++i)
            block_tops[heap_bins::fine_bins + i] = coarse[i].clear();
        for (std::size_t i = 0; i < heap_bins::run_bins; ++i)
            run_tops[i] = runs[i].clear();
    }
};

}  // namespace cairn
