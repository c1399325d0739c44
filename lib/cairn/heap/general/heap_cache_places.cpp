// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
// Which places the magazines of a cache have, and what gives them up.
//
// A slot's magazine has its places from the start. Those of blocks and runs have none, and are
// granted some when they are full, of what the cache may keep (`room_`): each place counts as the
// longest of its bin. So nothing is counted when a block comes or goes, and what a header says
// matters to no count. Where nothing is left, others lend: places that wait for blocks first.
#include <algorithm>
#include <span>

#include "cairn/heap/general/heap_cache.hpp"

namespace cairn {

using namespace heap_bins;

/// Gives up to `most` blocks back, those that hold `size` bytes first, slots last: whether there
/// were any.
bool HeapCache::shed(std::size_t size, std::size_t most) {
    if (magazines_ == nullptr) return false;
    const std::size_t first =
        std::min(block_bin(tlsf::length_for(std::max(size, largest_small))), first_slot);
    std::size_t left = drop_all(first, first_slot, most);
    left = drop_all(0, first, left);  // the runs, then shorter blocks
    return drop_all(first_slot, all_bins, left) != most;
}

/// Gives up to `most` blocks of these magazines to the core: how many of `most` there were not.
std::size_t HeapCache::drop_all(std::size_t bin, std::size_t end, std::size_t most) {
    for (; most != 0 && bin < end; ++bin) {
        // Nearly all of them are empty.
        if (top_of(bin)[-1] != nullptr) most -= drop(bin, most);
    }
    return most;
}

/// Gives up to `most` blocks from the top of the magazine that has this number to the core: how
/// many.
std::size_t HeapCache::drop(std::size_t bin, std::size_t most) {
    MagazineTop& top = top_of(bin);
    std::size_t count = 0;
    while (count < most && top[-1] != nullptr) {
        const std::size_t wanted = std::min<std::size_t>(batch, most - count);
        MagazineTop kept = top;
        for (std::size_t i = 0; i < wanted && kept[-1] != nullptr; ++i)
            --kept;
        const std::span blocks(kept, top);
        if (bin >= first_slot) {
            core_->give_slots(top, blocks.size());
        } else {
            top = kept;
            if (bin >= first_block) {
                core_->give_cached_blocks(blocks.data(), blocks.size());
            } else {
                for (std::byte* const run : blocks)
                    core_->give_run(run);
            }
        }
        count += blocks.size() - static_cast<std::size_t>(top - kept);
    }
    return count;
}

/// Goes round all magazines, most of which are empty, and goes on next time where it ended: a few
/// blocks go.
void HeapCache::sweep() {
    unsigned left = sweep_steps;
    for (unsigned looks = 0; looks < sweep_looks && left != 0; ++looks) {
        if (top_of(sweep_)[-1] != nullptr) {
            drop(sweep_, 1);
            --left;
        } else {
            sweep_ = static_cast<std::uint16_t>((sweep_ + 1U) % all_bins);
        }
    }
}

/// Takes half of the places back that wait for blocks, or that of a block, which goes: whether one
/// went.
bool HeapCache::take_back(std::size_t bin) {
    MagazineTop& top = tops_[bin];
    const std::size_t array = places_of(bin) * sizeof(*top);
    const std::size_t unused = -reinterpret_cast<std::uintptr_t>(top) % array / sizeof(*top);
    const std::size_t dropped = unused == 0 ? drop(bin, 1) : 0;
    const std::size_t places = (unused + dropped + 1) / 2;
    show(top, shrink(top, places));
    room_ += places * longest_in(bin);
    return dropped != 0;
}

/// Takes places back until `wanted` bytes may be granted: goes round a few magazines, and goes on
/// next time where it ended. One block goes at most.
void HeapCache::make_room(std::size_t wanted) {
    for (unsigned looks = 0; looks < most_looks && room_ < wanted; ++looks) {
        lender_ = static_cast<std::uint16_t>((lender_ + 1U) % first_slot);
        if (take_back(lender_)) return;
    }
}

/// Has the magazine of a block or run take one more. A full one is granted about as many places as
/// it has, if there is room for them; where it has all that there are, some of its blocks go.
bool HeapCache::make_place(std::size_t bin) {
    const std::size_t most = places_of(bin) - 1;
    const std::size_t longest = longest_in(bin);
    MagazineTop& top = tops_[bin];
    const auto is_full = [&top, most] {
        return reinterpret_cast<std::uintptr_t>(top) % ((most + 1) * sizeof(top)) == 0;
    };
    if (!is_full()) return true;
    if (held(top) == most) return drop(bin, std::min(most / 2 + 1, block_batch)) != 0;
    if (room_ < longest) make_room(longest);
    if (!is_full()) return true;  // it was its turn
    const std::size_t count = held(top);
    const std::size_t wanted = std::min(std::min(count + 1, most - count), block_batch);
    const std::size_t more = std::min(wanted, room_ / longest);
    room_ -= more * longest;
    show(top, extend(top, count, more));
    return more != 0;
}

}  // namespace cairn
