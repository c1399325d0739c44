// SPDX-License-Identifier: MIT
// The quick paths of a cache for what is larger than a slot.
#include "cairn/heap/general/heap_cache.hpp"

#include "cairn/bits.hpp"

namespace cairn {

using namespace heap_bins;

/// What its magazine has; all else is `take_larger`'s.
std::byte* HeapCache::take_large(std::size_t size, HeapCache& cache) {
    static_assert(tlsf::length_for(heap_page - 1) == last_fine + fine_step);
    if (size / heap_page != 0) return take_coarse(size, cache);
    in_register(size);  // of which no more is known: the mask is -16, not what is left of it
    std::size_t wanted = (size + tlsf::header_size + fine_step - 1) & ~(fine_step - 1);
    in_register(wanted);
    MagazineTop* const place = &cache.tops_.fine(wanted);
    const MagazineTop top = *place;
    std::byte* const block = top[-1];
    const auto slowly = [&] {
        in_register(wanted);  // and not before it is known that this is the way
        return take_larger(block, cache, wanted - tlsf::header_size);
    };
    if (block == nullptr) [[unlikely]]
        return slowly();
    if constexpr (heap_checks) {
        auto* const slot = reinterpret_cast<FreeSlot*>(block);
        if (!tlsf::header(block)->has_length(wanted - tlsf::cached)) [[unlikely]]
            return slowly();
        if (slot->canary != cache.origin_) [[unlikely]]
            return slowly();
        tlsf::header(block)->set_length(wanted);
    }
    *place = top - 1;
    return block;
}

/// The same where magazines have blocks of about one length: that on top of its own may be too
/// short, that of the next one is not.
std::byte* HeapCache::take_coarse(std::size_t size, HeapCache& cache) {
    if (size > largest_cached) [[unlikely]]
        return take_larger(nullptr, cache, size);
    const std::size_t wanted = size + tlsf::header_size;
    const std::size_t grains = (wanted + fine_step - 1) / coarse_grain;
    MagazineTop* place = &cache.tops_[coarse_bin(grains)];
    for (MagazineTop* const last = place + 1; place <= last; ++place) {
        const MagazineTop top = *place;
        std::byte* const block = top[-1];
        if (block == nullptr) continue;
        const std::size_t length = tlsf::header(block)->length() + (heap_checks ? tlsf::cached : 0);
        if (length - wanted > wanted / most_excess) continue;
        if constexpr (heap_checks) {
            if (reinterpret_cast<FreeSlot*>(block)->canary != cache.origin_) [[unlikely]]
                break;
            tlsf::header(block)->set_length(length);
        }
        *place = top - 1;
        return block;
    }
    return take_larger(nullptr, cache, size);
}

/// A run that its magazine has, for what is aligned to pages; all else is `take_aligned`'s.
std::byte* HeapCache::take_run_at_hand(std::size_t /*heap_page*/, std::size_t size,
                                       HeapCache& cache) {
    static_assert((worth_pages + run_bins * heap_page - 1) / heap_page == run_bins);
    std::size_t beyond = size - worth_pages;
    in_register(beyond);
    if (beyond / (run_bins * heap_page) != 0) [[unlikely]]
        return take_aligned(heap_page, size, cache);
    MagazineTop& place = cache.tops_[(size - 1) / heap_page];
    const MagazineTop top = place;
    std::byte* const run = top[-1];
    if (run == nullptr) [[unlikely]]
        return cache.take_run(size, heap_page);
    place = top - 1;
    const std::size_t page = (reinterpret_cast<std::uintptr_t>(run) - cache.origin_) / heap_page;
    mark(cache.use_, page, PageUse::run);
    return run;
}

inline bool HeapCache::keep_run(std::byte* run, std::size_t page, std::uint8_t* uses) {
    const std::size_t pages = run_pages(page);
    if (!is_aligned(reinterpret_cast<std::uintptr_t>(run), heap_page)) [[unlikely]]
        return false;
    if (pages > run_bins) [[unlikely]]
        return false;
    MagazineTop& place = tops_[pages - 1];
    const MagazineTop top = place;
    if (RunMagazine::is_full(top)) [[unlikely]]
        return false;
    mark(uses, page, PageUse::cached_run);
    *top = run;
    place = top + 1;
    return true;
}

/// Of what is no slot, that which its magazine has a place for; all else is `give_slowly`'s.
void HeapCache::give_large(std::byte* block, HeapCache& cache, std::size_t page, std::size_t use,
                           std::uintptr_t origin, std::uint8_t* uses) {
    if (use == static_cast<std::size_t>(PageUse::block_chunk)) [[likely]] {
        if (!tlsf::is_aligned(block)) [[unlikely]]
            return give_slowly(block, cache);
        const std::size_t length = tlsf::header(block)->length();
        std::size_t bin = (length - first_fine) / fine_step;
        in_register(bin);
        if (bin < fine_bins ? cache.keep_fine(block, length, bin, origin)
                            : cache.keep_coarse(block, length, origin)) [[likely]]
            return;
    } else if (use == static_cast<std::size_t>(PageUse::run) && cache.keep_run(block, page, uses)) {
        return;
    }
    give_slowly(block, cache);
}

/// Whether an aligned block is one that a magazine may take: no more is needed to know than its own
/// header.
inline bool HeapCache::may_keep(const std::byte* block, std::size_t length) {
    return !heap_checks || tlsf::is_out(block, length);
}

/// Into a magazine that is not full.
inline void HeapCache::put(std::byte* block, std::size_t length, MagazineTop& place,
                           std::uintptr_t origin) {
    const MagazineTop top = place;
    if constexpr (heap_checks) {
        tlsf::header(block)->set_length(length - tlsf::cached);
        reinterpret_cast<FreeSlot*>(block)->canary = origin;
    }
    *top = block;
    place = top + 1;
}

/// Puts a block of a length that has a magazine of its own there, if it is sound and there is a
/// place.
inline bool HeapCache::keep_fine(std::byte* block, std::size_t length, std::size_t bin,
                                 std::uintptr_t origin) {
    if (!may_keep(block, length)) [[unlikely]]
        return false;
    MagazineTop& place = tops_[first_block + bin];
    if (FineMagazine::is_full(place)) [[unlikely]]
        return false;
    put(block, length, place, origin);
    return true;
}

/// The same of a longer one, which has what follows it looked at too.
inline bool HeapCache::keep_coarse(std::byte* block, std::size_t length, std::uintptr_t origin) {
    const std::size_t grains = length / coarse_grain;
    if (grains - coarse_steps > coarse_grains - coarse_steps || !may_keep(block, length))
        return false;
    if (heap_checks && !tlsf::is_header(tlsf::end_of(block, length))) [[unlikely]]
        return false;
    MagazineTop& place = tops_[coarse_bin(grains)];
    if (CoarseMagazine::is_full(place)) [[unlikely]]
        return false;
    put(block, length, place, origin);
    return true;
}

}  // namespace cairn
