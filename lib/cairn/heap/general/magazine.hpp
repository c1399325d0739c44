// SPDX-License-Identifier: MIT
// Magazines: small stacks of pointers to free blocks, one per size, owned by one hart.
//
// A magazine is an array at a multiple of its own size, and a pointer to its first unused place.
// Its lowest place holds a null pointer, so taking from an empty one finds null; an address that is
// a multiple of the array's size is the end of a full one. Neither needs a count.
//
//     null | block | block | block | ----- | ----- |         pop:  block = top[-1]; null: empty
//       0      1       2       3      top            end      push: top at the end: full
//
// The pointers lie outside the blocks: writing to a block that is free cannot change what is handed
// out next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

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

/// `places` - 1 blocks at most.
template <std::size_t places>
struct alignas(places * sizeof(std::byte*)) Magazine {
    static constexpr std::size_t room = places;
    std::array<std::byte*, places> place;

    /// Makes it empty, and gives its first `unused` places up.
    [[nodiscard]] MagazineTop clear(std::size_t unused = 0) {
        place[unused] = nullptr;
        return &place[unused + 1];
    }
    [[nodiscard]] static bool is_full(MagazineTop top) {
        return reinterpret_cast<std::uintptr_t>(top) % sizeof(Magazine) == 0;
    }
};

using SlotMagazine = Magazine<64>;

}  // namespace cairn
