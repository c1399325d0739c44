// SPDX-License-Identifier: MIT
// Magazines: small stacks of pointers to free blocks, one per size, owned by one hart.
//
// A magazine is an array at a multiple of its own size, and a pointer to its first unused place.
// Below its blocks lies a null pointer, so taking from an empty one finds null; an address that is
// a multiple of the array's size is the end of a full one. Neither needs a count.
//
//     ----- | null | block | block | block | ----- |         pop:  block = top[-1]; null: empty
//                                     top            end      push: top at the end: full
//
// One that has fewer places than its array begins higher in it; without a place it is empty and
// full. The pointers lie outside the blocks: writing to a block that is free cannot change what is
// handed out next.
//
// Of a HeapCache, runs have one by their pages, bins 0 to 15. Blocks have that of their total
// length, exact up to a page, and slots of slabs, the last bins, that of their class:
//
//     length   1040 .. 4096 in steps of 16     4112 .. 65776, 16 bins for each doubling
//     bin      17 .. 208, exact                209 .. 273, rounded down
//
// A longer request looks at the block on top of its bin, which may be too short by less than a
// step, then into the next bin, which has none that is, and in a vast window the one behind.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "cairn/heap/store/slab_geometry.hpp"
#include "cairn/heap/store/tlsf_block.hpp"

namespace cairn {

/// The place after the last block of a magazine.
using MagazineTop = std::byte**;

namespace magazine_detail {
/// Both empty and full: where a bin points that has no magazine yet, so that either use of it ends
/// in the slow path. Never written.
struct alignas(64 * sizeof(std::byte*)) Nothing {
    std::array<std::byte*, 128> places{};
};
inline constinit Nothing nothing;
}  // namespace magazine_detail

inline constexpr MagazineTop no_magazine = &magazine_detail::nothing.places[64];

/// What lies in a place, also for others than the magazine's hart: as it is or was.
[[nodiscard]] inline __attribute__((no_sanitize("thread"))) std::byte* look_at(MagazineTop place) {
    std::byte* const block = *static_cast<std::byte* volatile*>(place);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return block;
}

/// How many blocks lie below `top`. Others than its hart may ask.
[[nodiscard]] inline std::size_t held(MagazineTop top) {
    std::size_t count = 0;
    while (look_at(--top) != nullptr)
        ++count;
    return count;
}

/// Moves a top, which other harts read, once the places are as they are to be seen below it.
inline void show(MagazineTop& top, MagazineTop moved) {
    __atomic_store_n(&top, moved, __ATOMIC_RELEASE);
}

/// Gives the magazine, which is full with `count` blocks, `more` places: its new top. Whoever
/// counts them meanwhile finds a null pointer below them.
[[nodiscard]] inline MagazineTop extend(MagazineTop top, std::size_t count, std::size_t more) {
    for (MagazineTop at = top - count - 1; at != top; ++at)
        __atomic_store_n(at - more, *at, __ATOMIC_RELEASE);
    return top - more;
}

/// Takes `less` of the places back that are unused: its new top.
[[nodiscard]] inline MagazineTop shrink(MagazineTop top, std::size_t less) {
    if (less == 0) return top;
    MagazineTop at = top;
    do {
        --at;
        __atomic_store_n(at + less, *at, __ATOMIC_RELEASE);
    } while (*at != nullptr);
    return top + less;
}

/// The top of an empty one that ends at `end`, with places for `room` blocks.
[[nodiscard]] inline MagazineTop empty_magazine(MagazineTop end, std::size_t room) {
    MagazineTop const top = end - room;
    top[-1] = nullptr;
    return top;
}

/// `places` - 1 blocks at most.
template <std::size_t places>
struct alignas(places * sizeof(std::byte*)) Magazine {
    static constexpr std::size_t most = places - 1;
    std::array<std::byte*, places> place;

    /// Makes it empty, with places for `room` blocks.
    [[nodiscard]] MagazineTop clear(std::size_t room) {
        return empty_magazine(place.data() + places, room);
    }
    [[nodiscard]] static bool is_full(MagazineTop top) {
        return reinterpret_cast<std::uintptr_t>(top) % sizeof(Magazine) == 0;
    }
};

namespace heap_bins {

inline constexpr std::size_t first_fine = 1040;
inline constexpr std::size_t last_fine = 4096;
inline constexpr std::size_t fine_step = tlsf::grain;
inline constexpr std::size_t fine_bins = (last_fine - first_fine) / fine_step + 1;
inline constexpr std::size_t coarse_steps = 16;               // in each doubling
inline constexpr std::size_t most_excess = coarse_steps / 2;  // of two bins; a part of the request
inline constexpr std::size_t coarse_grain = heap_page / coarse_steps;
inline constexpr std::size_t coarse_bins = coarse_steps * 4 + 1;
inline constexpr std::size_t coarse_grains = coarse_steps << 4;  // the last bin's
inline constexpr std::size_t last_coarse = (coarse_grains + 1) * coarse_grain - tlsf::grain;
inline constexpr std::size_t run_bins = 16;  // pages
// The numbers of all magazines. Behind the runs' and the blocks' is one that stays empty: what
// would be rounded up beyond them, and what the last one's next one is.
inline constexpr std::size_t first_block = run_bins + 1;
inline constexpr std::size_t first_coarse = first_block + fine_bins;
inline constexpr std::size_t first_slot = first_coarse + coarse_bins + 1;
inline constexpr std::size_t all_bins = first_slot + small_classes;
inline constexpr std::size_t worth_pages = heap_page / 4;  // bytes at a page's alignment, and more
inline constexpr std::size_t largest_cached = last_coarse - tlsf::header_size;
inline constexpr std::size_t roomy_window = 16 * 1024 * 1024;  // smaller ones have half the slots
inline constexpr std::size_t vast_window = std::size_t{1} << 30;  // where address space is plenty
inline constexpr std::size_t next_bins = 2;  // of longer blocks, which may serve there
inline constexpr std::size_t no_bin = SIZE_MAX;
inline constexpr std::size_t block_batch = 8;  // at most so many, of last_fine bytes together
using SlotMagazine = Magazine<64>;
using FineMagazine = Magazine<32>;
using CoarseMagazine = Magazine<8>;
using RunMagazine = Magazine<64>;

/// Which of the coarse bins keeps a length, by its coarse grains.
inline constexpr auto coarse_table = [] {
    std::array<std::uint8_t, coarse_grains + 1> bins{};
    for (std::size_t grains = coarse_steps; grains < bins.size(); ++grains) {
        const auto doubling =
            static_cast<unsigned>(std::bit_width(grains) - std::bit_width(coarse_steps));
        bins[grains] =
            static_cast<std::uint8_t>((doubling - 1) * coarse_steps + (grains >> doubling));
    }
    return bins;
}();

/// Of a length beyond last_fine, in coarse grains.
constexpr std::size_t coarse_bin(std::size_t grains) {
    return first_coarse + coarse_table.data()[grains];
}

/// The bin that blocks of `length` in all are kept in.
constexpr std::size_t block_bin(std::size_t length) {
    if (length - first_fine <= last_fine - first_fine)
        return first_block + (length - first_fine) / fine_step;
    if (length < first_fine || length > last_coarse) return no_bin;
    return coarse_bin(length / coarse_grain);
}

/// The longest of the blocks or runs that a bin keeps.
constexpr std::size_t longest_in(std::size_t bin) {
    if (bin < first_block) return (bin + 1) * heap_page;
    if (bin < first_coarse) return first_fine + (bin - first_block) * fine_step;
    const std::size_t next = bin + 1 - first_coarse;
    const std::size_t end = (coarse_steps + next % coarse_steps) << (next / coarse_steps);
    return std::min(end * coarse_grain - tlsf::grain, last_coarse);
}
/// The places of its magazine.
constexpr std::size_t places_of(std::size_t bin) {
    return (bin < first_block    ? RunMagazine::most
            : bin < first_coarse ? FineMagazine::most
                                 : CoarseMagazine::most) +
           1;
}

static_assert(block_bin(tlsf::length_for(largest_small + 1)) == first_block);
static_assert(block_bin(last_fine) == first_coarse - 1);
static_assert(block_bin(last_fine + fine_step) == first_coarse);
static_assert(block_bin(last_coarse) == first_slot - 2 && block_bin(last_coarse + 16) == no_bin);
static_assert(longest_in(first_coarse - 1) == last_fine);
static_assert(longest_in(first_slot - 2) == last_coarse);
static_assert(block_bin(longest_in(first_coarse + 5)) == first_coarse + 5 &&
              block_bin(longest_in(first_coarse + 5) + 16) == first_coarse + 6);

}  // namespace heap_bins

/// The tops of a cache's magazines of blocks and runs. They lie in the cache itself, as one load
/// then has them; those of a cache that has no magazines lead nowhere.
struct BlockTops {
    std::array<MagazineTop, heap_bins::first_slot> tops;

    constexpr BlockTops() { tops.fill(no_magazine); }

    /// Of blocks of `length`, which is a multiple of fine_step and has a magazine of its own, or is
    /// the first that has none: where blocks of that length lie too, among others.
    [[nodiscard]] MagazineTop& fine(std::size_t length) {
        // Their distance, in one shift.
        constexpr std::size_t steps = heap_bins::fine_step / sizeof(MagazineTop);
        auto* const first = reinterpret_cast<std::byte*>(tops.data() + heap_bins::first_block);
        return *reinterpret_cast<MagazineTop*>(first + length / steps -
                                               heap_bins::first_fine / steps);
    }
    [[nodiscard]] MagazineTop& operator[](std::size_t bin) { return tops.data()[bin]; }
};

/// The places of them all: slots' by class, then runs' and blocks' by bin, one behind the other.
struct alignas(heap_bins::SlotMagazine) Magazines {
    std::array<heap_bins::SlotMagazine, small_classes> slots;
    std::array<heap_bins::RunMagazine, heap_bins::run_bins + 1> runs;
    std::array<heap_bins::FineMagazine, heap_bins::fine_bins> fine;
    std::array<heap_bins::CoarseMagazine, heap_bins::coarse_bins + 1> coarse;

    /// Makes those of blocks and runs, without a place.
    explicit Magazines(BlockTops& tops) {
        MagazineTop end = runs[0].place.data();
        for (std::size_t bin = 0; bin < heap_bins::first_slot; ++bin) {
            end += heap_bins::places_of(bin);
            tops[bin] = empty_magazine(end, 0);
        }
    }
};
/// What each hart's cache takes of the heap.
static_assert(sizeof(void*) != 8 || sizeof(Magazines) == 95'232);

}  // namespace cairn
