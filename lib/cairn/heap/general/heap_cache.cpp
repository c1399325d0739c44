// SPDX-License-Identifier: MIT
// The quick paths of a cache for what is larger than a slot.
#include "cairn/heap/general/heap_cache.hpp"

#include "cairn/bits.hpp"
#include "cairn/heap/general/heap_magazines.hpp"

namespace cairn {

using namespace heap_bins;

/// What its magazine has, or a block that has none; all else is `take_larger`'s.
template <Checks checks>
std::byte* HeapCache<checks>::take_large(std::size_t size, HeapCache& cache) {
    if (cache.magazines_ == nullptr) [[unlikely]]
        return take_larger(size, cache);
    if (size > largest_cached) return take_uncached(size, cache);
    const std::size_t wanted = (size + tlsf::header_size + fine_step - 1) & ~(fine_step - 1);
    std::size_t bin = (wanted - first_fine) / fine_step;
    std::size_t slack = 0;  // what a block may be longer
    if (wanted > last_fine) {
        bin = coarse_bin(wanted);
        slack = coarse_step - 1;
    }
    MagazineTop& top = cache.magazines_->block_tops.data()[bin];
    std::byte* const block = top[-1];
    if (block == nullptr) [[unlikely]]
        return take_larger(size, cache);
    std::size_t length = tlsf::header(block)->length();
    if constexpr (checks == Checks::basic) {
        length += tlsf::cached;
        if (reinterpret_cast<FreeSlot*>(block)->canary != cache.origin_) [[unlikely]]
            return take_larger(size, cache);
    }
    if (length - wanted > slack) [[unlikely]]
        return take_larger(size, cache);
    if constexpr (checks == Checks::basic) tlsf::header(block)->set_length(length);
    cache.room_ += length;
    --top;
    return block;
}

template <Checks checks>
std::byte* HeapCache<checks>::take_uncached(std::size_t size, HeapCache& cache) {
    std::byte* const block = cache.core_->take_block(size, default_alignment);
    return block != nullptr ? block : take_larger(size, cache);
}

/// Pages that their magazine has; all else is `take_aligned_slowly`'s.
template <Checks checks>
std::byte* HeapCache<checks>::take_aligned(std::size_t size, std::size_t alignment,
                                           HeapCache& cache) {
    constexpr std::size_t most = run_bins * heap_page;
    const bool is_run = alignment == heap_page && size - worth_pages < most - worth_pages;
    if (!is_run || cache.magazines_ == nullptr) [[unlikely]]
        return take_aligned_slowly(size, alignment, cache);
    MagazineTop& top = cache.magazines_->run_tops.data()[(size - 1) / heap_page];
    std::byte* const run = top[-1];
    if (run == nullptr) [[unlikely]]
        return take_aligned_slowly(size, alignment, cache);
    --top;
    cache.room_ += (size + heap_page - 1) & ~(heap_page - 1);
    cache.core_->mark_cached(cache.page_of(run), false);
    return run;
}

/// Of what is no slot, that which its magazine has room for; all else is `give_slowly`'s.
template <Checks checks>
void HeapCache<checks>::give_large(std::byte* block, HeapCache& cache, std::size_t page) {
    if (cache.magazines_ != nullptr) [[likely]] {
        const auto use = static_cast<PageUse>(cache.use_[page]);
        if (use == PageUse::block_chunk && cache.keep_block(block)) return;
        if (use == PageUse::run && cache.keep_run(block, page)) return;
    }
    give_slowly(block, cache);
}

/// Puts a block on its magazine, if it is sound and there is room. What has none goes to the core.
template <Checks checks>
inline bool HeapCache<checks>::keep_block(std::byte* block) {
    if (checks == Checks::basic && !tlsf::is_aligned(block)) [[unlikely]]
        return false;
    tlsf::Header* const own = tlsf::header(block);
    const std::size_t length = own->length();
    std::size_t bin = (length - first_fine) / fine_step;
    std::size_t magazine = sizeof(FineMagazine);
    if (bin >= fine_bins) {
        bin = block_bin(length);
        magazine = sizeof(CoarseMagazine);
        if (bin == no_bin) {
            core_->give_block(block);
            return true;
        }
    }
    MagazineTop& top = magazines_->block_tops.data()[bin];
    const bool is_full = is_aligned(reinterpret_cast<std::uintptr_t>(top), magazine);
    if (is_full || length > room_) [[unlikely]]
        return false;
    if constexpr (checks == Checks::basic) {
        const std::uint32_t flags = own->end() - tlsf::low(tlsf::end_of(block, length));
        if ((flags & ~tlsf::previous_free) != 0) [[unlikely]]
            return false;
        own->set_length(length - tlsf::cached);
        reinterpret_cast<FreeSlot*>(block)->canary = origin_;
    }
    room_ -= length;
    *top++ = block;
    return true;
}

template <Checks checks>
inline bool HeapCache<checks>::keep_run(std::byte* run, std::size_t page) {
    const std::size_t pages = core_->run_pages(page);
    if (!is_aligned(reinterpret_cast<std::uintptr_t>(run), heap_page) || pages > run_bins)
        return false;
    MagazineTop& top = magazines_->run_tops.data()[pages - 1];
    if (RunMagazine::is_full(top) || pages * heap_page > room_) [[unlikely]]
        return false;
    room_ -= pages * heap_page;
    core_->mark_cached(page, true);
    *top++ = run;
    return true;
}

template class HeapCache<Checks::basic>;
template class HeapCache<Checks::none>;

}  // namespace cairn
