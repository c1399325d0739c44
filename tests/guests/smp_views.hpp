// SPDX-License-Identifier: MIT
// What the harts of smp_stress.cpp change, and must see of each other after remote fences: each
// owns a window of pages that moves from frame to frame, and a function that returns its version.
//
//     owner:  map the next frame / write the next version ─► remote fence of some harts ─► publish
//     to those others: read what is published ─► read the page, call the function: never older than
//     that
//
// Each hart is told separately, so that a fence is owed to those that its mask named, and no
// others. Even harts translate with ASID 0, odd ones with another, where the machine has any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace cairn::guest {

inline constexpr std::size_t stress_harts = 8;

/// A set of harts, by bits.
using Harts = std::uint64_t;

/// Before any hart has turned paging on.
void make_views(std::size_t hart_count);
/// Turns translation on; forgets all that this hart had.
void enter_views(std::size_t self);

/// Shows others the next version of some pages, or of the function: those of `targets`. What there
/// is to choose (which pages, which call, what range) is chosen by `random`. False if a fence is
/// refused.
[[nodiscard]] bool move_pages(std::size_t self, Harts targets, std::uint64_t random);
/// Writes the instruction once more after the fence, for QEMU (7.2, 10.0): a store there first
/// throws away what was translated of the place, and then writes. A hart that calls the function in
/// between has the old instruction translated again, and no fence.i throws that away, only another
/// store. Seen on bare OpenSBI as well, and not with `-accel tcg,thread=single`.
/// For the same reason every hart is fenced: they share what is translated, and one that is not
/// asked may be about to hand in the old instruction.
[[nodiscard]] bool rewrite_function(std::size_t self);

struct Stale {
    const char* what;
    std::size_t owner, page;
    std::uint64_t seen, published;
};
/// Looks at everything that others own once; false if something is older than it may be.
[[nodiscard]] bool look(std::size_t self, Stale& stale);

/// A mask and base for `harts`; not always the same ones.
struct HartMask {
    std::uint64_t mask, base;
};
HartMask mask_of(Harts harts, std::uint64_t random);

}  // namespace cairn::guest
