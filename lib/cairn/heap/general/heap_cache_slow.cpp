// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
// The slow paths of a cache: filling, flushing, what has no magazine, and mistakes.
#include <algorithm>
#include <bit>
#include <span>

#include "cairn/bits.hpp"
#include "cairn/heap/general/heap_cache.hpp"
#include "cairn/heap/general/heap_nothing.hpp"

namespace cairn {

using namespace heap_bins;

// --- taking --------------------------------------------------------------------------------------

constexpr std::size_t first_shed = block_batch;

/// Tries, and tries again with what can be got back.
std::byte* HeapCache::insist(Way way, std::size_t size, std::size_t alignment) {
    if (!open()) return nullptr;
    for (std::size_t most = first_shed;;) {
        std::byte* const block = attempt(way, size, alignment);
        if (block == nullptr) {
            most = get_back(size, most);
            if (most != 0) continue;
        }
        // So that little is left to be emptied when a request fails.
        if (most == first_shed && magazines_ != nullptr && core_->is_short()) sweep();
        return block;
    }
}

std::byte* HeapCache::attempt(Way way, std::size_t size, std::size_t alignment) {
    switch (way) {
        case Way::slots: return refill_slots(size);
        case Way::blocks: return refill_blocks(size);
        case Way::run: return core_->take_run(pages_for(size), alignment);
        case Way::block: break;
    }
    return core_->take_block(size, alignment);
}

/// Memory for a request that failed: at first from the heap's spares, then up to `most` blocks of
/// this cache, and twice as many the next time, then from whoever offered to reclaim. How many the
/// next time; 0 if another try is not worth it.
std::size_t HeapCache::get_back(std::size_t size, std::size_t most) {
    if (core_->trim(size)) return most;
    if (shed(size, most) || core_->reclaim(size)) return std::min(2 * most, block_batch << 8);
    core_->count_failure();
    return 0;
}

std::byte* HeapCache::refill(const std::byte* /*seen*/, HeapCache& cache, const std::byte* beyond) {
    return cache.take_slot(
        static_cast<std::size_t>(beyond - reinterpret_cast<const std::byte*>(&cache)));
}

/// A slot of `size` bytes, a multiple of 16, that no magazine has.
std::byte* HeapCache::take_slot(std::size_t size) {
    return size == 0 ? take_nothing(*this) : insist(Way::slots, size, default_alignment);
}

/// A slot of `size` bytes, and some more of its slab for the magazine.
std::byte* HeapCache::refill_slots(std::size_t size) {
    Bin& bin = bin_of(size);
    MagazineTop& top = bin.top;
    // Whoever reclaims memory may have brought some here.
    while (top[-1] != nullptr) {
        std::byte* const block = top[-1];
        if (pop(bin, block)) return block;
        // It was written to after it was freed, and is never used again. It is taken out first
        // of all: who hears of it may want memory.
        const std::byte* const damaged = *--top;
        core_->report_(HeapFaultKind::use_after_free, damaged, size);
    }
    // Into the magazine, which is empty, and out again with the first one.
    const std::size_t wanted = core_->is_short() ? 1 : batch;
    const std::size_t count =
        magazines_ == nullptr ? 0 : core_->take_slots(small_class(size), owner_, top, wanted);
    // No slab to be had: a block that can stand for a slot may be.
    if (count == 0) return core_->take_block(size, default_alignment);
    std::byte* const slot = *top;
    *top = top[count - 1];
    show(top, top + (count - 1));
    if constexpr (heap_checks) reinterpret_cast<FreeSlot*>(slot)->canary = 0;
    return slot;
}

/// The block on top of a magazine, if it has `wanted` bytes in all. Damaged ones are taken out.
std::byte* HeapCache::pop_block(MagazineTop& top, std::size_t wanted) {
    using Arena = TlsfArena;
    while (top[-1] != nullptr) {
        std::byte* const block = top[-1];
        if constexpr (heap_checks) {
            const bool untouched = reinterpret_cast<FreeSlot*>(block)->canary == origin_;
            if (!untouched || !Arena::unmark_cached(block)) [[unlikely]] {
                --top;
                core_->report_(HeapFaultKind::use_after_free, block);
                continue;
            }
        }
        const std::size_t length = tlsf::header(block)->length();
        if (length < wanted) {
            if constexpr (heap_checks) static_cast<void>(Arena::mark_cached(block));
            return nullptr;
        }
        --top;
        return block;
    }
    return nullptr;
}

std::byte* HeapCache::take_larger(const std::byte* /*seen*/, HeapCache& cache, std::size_t size) {
    if (size > largest_block) return cache.take_run(size, heap_page);
    if (cache.magazines_ != nullptr && size <= largest_cached) {
        const std::size_t wanted = tlsf::length_for(size);
        const std::size_t first = block_bin(wanted);
        // Rather a fifth too long than another page that was never used.
        const bool is_vast = cache.pages_ >= vast_window / heap_page;
        const std::size_t last = first + (first < first_coarse ? 0 : is_vast ? next_bins : 1);
        for (std::size_t bin = first; bin <= last && bin < first_slot; ++bin) {
            if (std::byte* const block = cache.pop_block(cache.tops_[bin], wanted)) return block;
        }
        return cache.insist(Way::blocks, size, default_alignment);
    }
    return cache.insist(Way::block, size, default_alignment);
}

/// A block of `size` bytes, and some more of its length for the magazine, as they lie together and
/// cost one turn at the lock.
std::byte* HeapCache::refill_blocks(std::size_t size) {
    const std::size_t length = tlsf::length_for(size);
    const std::size_t most = core_->is_short() ? 1 : block_batch;
    auto [first, count] =
        core_->take_blocks(length, std::clamp<std::size_t>(last_fine / length, 1, most));
    while (count > 1)
        give_block(first + --count * length);
    return first;
}

std::byte* HeapCache::take_run(std::size_t size, std::size_t alignment) {
    return insist(Way::run, size, alignment);
}

/// Slots are as aligned as their size is; pages serve where a block of their alignment would leave
/// a hole that nobody needs.
std::byte* HeapCache::take_aligned(std::size_t alignment, std::size_t size, HeapCache& cache) {
    if (!std::has_single_bit(alignment)) return nullptr;
    if (alignment <= default_alignment) {
        if (size > largest_small) return take_large(size, cache);
        return cache.take_slot((size + 15) / 16 * 16);
    }
    if (size == 0) size = 1;
    if (size > PTRDIFF_MAX) return cache.take_run(size, heap_page);
    if (cache.open() && alignment / heap_page > cache.pages_) [[unlikely]] {
        cache.core_->count_failure();  // whatever is given back
        return nullptr;
    }
    const auto rounded = align_up(size, alignment);
    const bool is_small = rounded && *rounded <= largest_small;
    if (is_small && cache.magazines_ != nullptr) {
        std::byte* const block = cache.take_slot(*rounded);
        // With no slab left it may be a block with a header, and those are aligned to 16 only.
        if (block == nullptr || is_aligned(reinterpret_cast<std::uintptr_t>(block), alignment))
            return block;
        give_slowly(block, cache);
    }
    const bool by_page = alignment >= heap_page && (size >= worth_pages || alignment > 64 * 1024);
    if (by_page || size > largest_block) {
        return cache.take_run(size, std::max(alignment, heap_page));
    }
    return cache.insist(Way::block, is_small ? *rounded : size, alignment);
}

// --- giving back ---------------------------------------------------------------------------------

/// A full magazine, no magazine, or a mistake.
void HeapCache::give_slowly(std::byte* block, HeapCache& cache) {
    if (block == nullptr) return;
    auto kind = HeapFaultKind::foreign_pointer;
    const std::uint8_t use = cache.open() ? cache.use_of(block) : std::uint8_t{0};
    if (use - 1U < small_classes) return cache.give_slot(block, use);
    switch (static_cast<PageUse>(use)) {
        case PageUse::block_chunk: return cache.give_block(block);
        case PageUse::run: return cache.give_run(block);
        case PageUse::cached_run:
        case PageUse::free: kind = HeapFaultKind::double_free; break;
        case PageUse::foreign:
            if (give_nothing(block)) return;
            break;
        default: kind = HeapFaultKind::invalid_pointer;
    }
    cache.core_->report_(kind, block);
}

void HeapCache::give_slot(std::byte* block, std::size_t small_class) {
    auto* const slot = reinterpret_cast<FreeSlot*>(block);
    Bin& bin = bins_[small_class];
    if constexpr (heap_checks) {
        auto kind = HeapFaultKind::invalid_pointer;
        bool is_out = bin.check.accepts(reinterpret_cast<std::uintptr_t>(block));
        const std::size_t size = is_out ? class_size(small_class) : 0;
        // The canary may also be the user's data: a struct, copied before all of it was set.
        if (is_out && slot->canary == origin_) {
            const auto state = core_->state_of_slot(block);
            if (state == SlabStore::SlotState::free) kind = HeapFaultKind::double_free;
            is_out = state == SlabStore::SlotState::out;
        }
        if (!is_out) return core_->report_(kind, block, size);
    }
    slot->canary = origin_;
    // One of a slab that was taken apart is of more use there.
    const bool is_apart = use_at(page_of(block)) != small_class;
    if (magazines_ == nullptr || is_apart) {
        return core_->give_slot(block);
    }
    // Others may look for a slot here (`holds_slot`): it is below the top until it is elsewhere.
    if (SlotMagazine::is_full(bin.top)) core_->give_batch(bin.top, owner_);
    *bin.top = block;
    show(bin.top, bin.top + 1);
}

/// One that its magazine may have no room for, that may have none, or that may be damaged.
void HeapCache::give_block(std::byte* block) {
    const std::size_t length = tlsf::is_aligned(block) ? tlsf::header(block)->length() : 0;
    const std::size_t bin = block_bin(length);
    // Without magazines the core has all, and a close look at what is not as it should be.
    if (magazines_ == nullptr || bin == no_bin) return core_->give_block(block);
    // What follows a long one, where its own header says that it is out, and how far it reaches.
    const bool is_sound =
        !heap_checks || bin < first_coarse ||
        (tlsf::is_out(block, length) && tlsf::is_header(tlsf::end_of(block, length)));
    if (!is_sound || !make_place(bin) || (heap_checks && !TlsfArena::mark_cached(block))) {
        return core_->give_block(block);
    }
    if constexpr (heap_checks) reinterpret_cast<FreeSlot*>(block)->canary = origin_;
    *tops_[bin]++ = block;
}

void HeapCache::give_run(std::byte* run) {
    if (!is_aligned(reinterpret_cast<std::uintptr_t>(run), heap_page)) {
        return core_->report_(HeapFaultKind::invalid_pointer, run);
    }
    const std::size_t page = page_of(run);
    const std::size_t pages = run_pages(page);
    if (magazines_ == nullptr || pages > run_bins) return core_->give_run(run);
    if (!make_place(pages - 1)) return core_->give_run(run);
    mark(use_, page, PageUse::cached_run);
    *tops_[pages - 1]++ = run;
}

/// A block that is none of a slab, or not of the slab that its layout leads to.
void HeapCache::give_as(std::byte* block, Layout layout, HeapCache& cache) {
    // 0 for what is none, which is found out later.
    const std::size_t usable = heap_checks && cache.open() ? cache.usable_size(block) : 0;
    const unsigned use = cache.use_of(block);
    if (usable != 0) {
        // A slot of another class than the layout's belongs to a block of another size.
        const auto rounded = align_up(std::max<std::size_t>(layout.size, 1), layout.alignment);
        const bool fits = use <= small_classes ? rounded && (*rounded + 15) / 16 * 16 == usable
                                               : layout.size <= usable;
        if (!fits) return cache.core_->report_(HeapFaultKind::wrong_size, block, usable);
        if (!is_aligned(reinterpret_cast<std::uintptr_t>(block), layout.alignment)) {
            return cache.core_->report_(HeapFaultKind::wrong_alignment, block, usable);
        }
    }
    if (use > small_classes) {
        return give_large(block, cache, cache.page_of(block), use, cache.origin_, cache.use_);
    }
    give_slowly(block, cache);
}

}  // namespace cairn
