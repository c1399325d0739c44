// SPDX-License-Identifier: MIT
// The quick paths of a cache for what is larger than a slot.
#include "cairn/heap/general/heap_cache.hpp"

#include "cairn/bits.hpp"
#include "cairn/heap/general/heap_magazines.hpp"

namespace cairn {

using namespace heap_bins;

/// What its magazine has; all else is `take_larger`'s.
std::byte* HeapCache::take_large(std::size_t size, HeapCache& cache) {
    if (size > cache.fine_limit_) return take_coarse(size, cache);
    std::size_t wanted = (size + tlsf::header_size + fine_step - 1) & ~(fine_step - 1);
    in_register(wanted);
    MagazineTop& top = cache.magazines_->fine_top(wanted);
    std::byte* const block = top[-1];
    if (block == nullptr) [[unlikely]]
        return take_larger(size, cache);
    if constexpr (heap_checks) {
        auto* const slot = reinterpret_cast<FreeSlot*>(block);
        if (!tlsf::header(block)->has_length(wanted - tlsf::cached)) [[unlikely]]
            return take_larger(size, cache);
        if (slot->canary != cache.origin_) [[unlikely]]
            return take_larger(size, cache);
        tlsf::header(block)->set_length(wanted);
    }
    cache.room_ += wanted;
    --top;
    return block;
}

/// The same where magazines have blocks of about one length: that on top of its own may be too
/// short, that of the next one is not.
std::byte* HeapCache::take_coarse(std::size_t size, HeapCache& cache) {
    if (size > cache.coarse_limit_) [[unlikely]]
        return take_larger(size, cache);
    const std::size_t wanted = size + tlsf::header_size;
    MagazineTop* top = &cache.magazines_->block_tops.data()[coarse_bin(wanted + fine_step - 1)];
    for (MagazineTop* const last = top + 1; top <= last; ++top) {
        std::byte* const block = (*top)[-1];
        if (block == nullptr) continue;
        const std::size_t length = tlsf::header(block)->length() + (heap_checks ? tlsf::cached : 0);
        if (length - wanted > wanted / most_excess) continue;
        if constexpr (heap_checks) {
            if (reinterpret_cast<FreeSlot*>(block)->canary != cache.origin_) [[unlikely]]
                break;
            tlsf::header(block)->set_length(length);
        }
        cache.room_ += length;
        --*top;
        return block;
    }
    return take_larger(size, cache);
}

/// A run that its magazine has, for what is aligned to pages; all else is `take_aligned_slowly`'s.
std::byte* HeapCache::take_run_at_hand(std::size_t alignment, std::size_t size, HeapCache& cache) {
    if (size - worth_pages >= cache.run_limit_) [[unlikely]]
        return take_aligned_slowly(alignment, size, cache);
    const std::size_t rounded = (size + heap_page - 1) & ~(heap_page - 1);
    MagazineTop& top = cache.magazines_->run_tops.data()[rounded / heap_page - 1];
    std::byte* const run = top[-1];
    if (run == nullptr) [[unlikely]]
        return take_aligned_slowly(alignment, size, cache);
    --top;
    cache.room_ += rounded;
    const std::size_t page = (reinterpret_cast<std::uintptr_t>(run) - cache.origin_) / heap_page;
    cache.mark(page, PageUse::run);
    return run;
}

/// Pages, or a slot of the class of the rounded size; all else is `take_aligned_slowly`'s.
std::byte* HeapCache::take_aligned(std::size_t alignment, std::size_t size, HeapCache& cache) {
    if (alignment == heap_page) return take_run_at_hand(alignment, size, cache);
    const std::size_t rounded = (size + alignment - 1) & -alignment;
    if ((rounded - 1) / largest_small != 0) [[unlikely]]
        return take_aligned_slowly(alignment, size, cache);
    if ((alignment ^ (alignment - 1)) <= alignment - 1) [[unlikely]]  // no power of two
        return take_aligned_slowly(alignment, size, cache);
    std::byte* const block = cache.pop(cache.bins_.data()[rounded / 16]);
    if (block == nullptr) [[unlikely]]
        return take_aligned_slowly(alignment, size, cache);
    return block;
}

inline bool HeapCache::keep_run(std::byte* run, std::size_t page) {
    const std::size_t pages = run_pages(page);
    if (!is_aligned(reinterpret_cast<std::uintptr_t>(run), heap_page)) [[unlikely]]
        return false;
    if (pages > run_bins) [[unlikely]]
        return false;
    if (pages * heap_page > room_) [[unlikely]]
        return false;
    MagazineTop& top = magazines_->run_tops.data()[pages - 1];
    if (RunMagazine::is_full(top)) [[unlikely]]
        return false;
    room_ -= pages * heap_page;
    mark(page, PageUse::cached_run);
    *top++ = run;
    return true;
}

/// Of what is no slot, that which its magazine has room for; all else is `give_slowly`'s.
void HeapCache::give_large(std::byte* block, HeapCache& cache, std::size_t page, std::size_t use,
                           std::uintptr_t origin) {
    if (use == static_cast<std::size_t>(PageUse::block_chunk)) [[likely]] {
        if (!tlsf::is_aligned(block)) [[unlikely]]
            return give_slowly(block, cache);
        const std::size_t length = tlsf::header(block)->length();
        const std::size_t bin = (length - first_fine) / fine_step;
        if (bin < fine_bins ? cache.keep_fine(block, length, bin, origin)
                            : cache.keep_coarse(block, length, origin)) [[likely]]
            return;
    } else if (use == static_cast<std::size_t>(PageUse::run) && cache.keep_run(block, page)) {
        return;
    }
    give_slowly(block, cache);
}

/// Whether an aligned block is one that a magazine may take: no more is needed to know than its own
/// header, and that there is room. Without magazines there is none.
inline bool HeapCache::may_keep(const std::byte* block, std::size_t length) const {
    if constexpr (heap_checks) {
        const std::uint32_t end = tlsf::header(block)->end();
        const std::uint32_t flags = end - tlsf::low(tlsf::end_of(block, length));
        if ((flags & ~tlsf::previous_free) != 0) [[unlikely]]
            return false;
    }
    return length <= room_;
}

/// Into a magazine that is not full.
inline void HeapCache::put(std::byte* block, std::size_t length, MagazineTop& top,
                           std::uintptr_t origin) {
    const MagazineTop at = top;
    room_ -= length;
    if constexpr (heap_checks) {
        tlsf::header(block)->set_length(length - tlsf::cached);
        reinterpret_cast<FreeSlot*>(block)->canary = origin;
    }
    *at = block;
    top = at + 1;
}

/// Puts a block of a length that has a magazine of its own there, if it is sound and there is room.
inline bool HeapCache::keep_fine(std::byte* block, std::size_t length, std::size_t bin,
                                 std::uintptr_t origin) {
    if (!may_keep(block, length)) [[unlikely]]
        return false;
    MagazineTop& top = magazines_->block_tops.data()[bin];
    if (FineMagazine::is_full(top)) [[unlikely]]
        return false;
    put(block, length, top, origin);
    return true;
}

/// The same of a longer one, which has what follows it looked at too.
inline bool HeapCache::keep_coarse(std::byte* block, std::size_t length, std::uintptr_t origin) {
    if (length - last_fine > last_coarse - last_fine || !may_keep(block, length)) return false;
    if (heap_checks && !tlsf::is_header(tlsf::end_of(block, length))) [[unlikely]]
        return false;
    MagazineTop& top = magazines_->block_tops.data()[coarse_bin(length)];
    if (CoarseMagazine::is_full(top)) [[unlikely]]
        return false;
    put(block, length, top, origin);
    return true;
}

}  // namespace cairn
