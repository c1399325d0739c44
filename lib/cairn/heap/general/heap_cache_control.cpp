// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
// Opening, closing and flushing a cache, and what can be asked of it.
#include <algorithm>
#include <memory>

#include "cairn/bits.hpp"
#include "cairn/heap/general/heap_cache.hpp"
#include "cairn/heap/thread_exit.hpp"

namespace cairn {

using namespace heap_bins;

// --- opening and closing -------------------------------------------------------------------------

bool HeapCache::open() {
    if (pages_ != 0) return true;
    if (!core_->is_initialised() && !core_->start()) return false;
    if (pages_ != 0) return true;  // by a request that the start made
    origin_ = core_->origin();
    use_ = core_->uses();
    infos_ = core_->infos();
    pages_ = core_->window_.pages;
    if (!core_->has_slabs()) return true;
    std::byte* const memory = core_->take_internal(sizeof(Magazines));
    if (memory == nullptr) return true;
    magazines_ = std::construct_at(reinterpret_cast<Magazines*>(memory), tops_);
    const bool is_roomy = pages_ >= roomy_window / heap_page;
    for (unsigned c = 1; c <= small_classes; ++c)
        bins_[c].top = magazines_->slots[c - 1].clear(SlotMagazine::most / (is_roomy ? 1 : 2));
    room_ = largest_room();
    core_->attach(*this);
    return true;
}

void HeapCache::close() {
    if (magazines_ == nullptr) return;
    flush();
    core_->detach(*this);
    for (Bin& bin : bins_)
        bin.top = no_magazine;
    tops_ = {};
    core_->give_internal(reinterpret_cast<std::byte*>(magazines_));
    magazines_ = nullptr;
}

void close_cache(HeapCache& cache) {
    cache.close();
}

void HeapCache::flush() {
    (void)shed(0, SIZE_MAX);
}

/// What all places for blocks and runs hold together: of the window an eighth at most, so that what
/// one hart keeps is not what others want for. About half of them wait for blocks.
std::size_t HeapCache::largest_room() const {
    constexpr std::size_t most = std::size_t{12} << 20;
    return std::min(pages_ / 8 * heap_page, most);
}

std::size_t HeapCache::cached_bytes() const {
    if (magazines_ == nullptr) return 0;
    std::size_t bytes = 0;
    for (unsigned c = 1; c <= small_classes; ++c)
        bytes += held(bins_[c].top) * class_size(c);
    for (std::size_t bin = 0; bin < first_slot; ++bin) {
        // A place may be another's or none the next moment, so it is read once.
        for (MagazineTop at = tops_.tops[bin]; const std::byte* const block = look_at(--at);) {
            if (bin < first_block) {
                bytes += longest_in(bin);
            } else {
                bytes += owns(block) ? TlsfArena::usable_size(block) : 0;
            }
        }
    }
    return bytes;
}

std::uint8_t HeapCache::use_of(const std::byte* block) const {
    const std::size_t page = page_of(block);
    const std::uint8_t use = page < pages_ ? use_at(page) : std::uint8_t{0};
    return use == static_cast<std::uint8_t>(PageUse::apart) ? core_->use_apart(block) : use;
}

bool HeapCache::try_resize(std::byte* block, Layout layout, std::size_t new_size) {
    if (new_size > PTRDIFF_MAX) return false;
    const std::uint8_t use = use_of(block);
    if (use - 1U < small_classes) {
        const auto rounded = align_up(std::max<std::size_t>(new_size, 1), layout.alignment);
        return rounded && *rounded <= largest_small && small_class(*rounded) == use;
    }
    if (use == static_cast<std::uint8_t>(PageUse::run) && new_size > largest_small) {
        return core_->resize_run(block, pages_for(new_size));
    }
    return use == static_cast<std::uint8_t>(PageUse::block_chunk) &&
           core_->resize_block(block, new_size);
}

std::size_t HeapCache::usable_size(const std::byte* block) const {
    const std::uint8_t use = use_of(block);
    if (use - 1U < small_classes) return class_size(use);
    if (use == static_cast<std::uint8_t>(PageUse::run)) {
        return run_pages(page_of(block)) * heap_page;
    }
    if (use != static_cast<std::uint8_t>(PageUse::block_chunk)) return 0;
    return TlsfArena::usable_size(block);
}

bool HeapCache::is_live(const std::byte* block) const {
    if constexpr (!heap_checks) return usable_size(block) != 0;
    const std::uint8_t use = use_of(block);
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    if (use - 1U < small_classes) {
        if (!bins_[use].check.accepts(address)) return false;
        // The canary may also be the user's data.
        return reinterpret_cast<const FreeSlot*>(block)->canary != origin_ ||
               core_->state_of_slot(block) == SlabStore::SlotState::out;
    }
    if (use == static_cast<std::uint8_t>(PageUse::run)) return is_aligned(address, heap_page);
    return use == static_cast<std::uint8_t>(PageUse::block_chunk) && tlsf::is_aligned(block) &&
           tlsf::is_out(block, tlsf::header(block)->length());
}

bool HeapCache::owns(const void* pointer) const {
    const std::size_t page = page_of(pointer);
    return page < pages_ && use_at(page) != static_cast<std::uint8_t>(PageUse::foreign);
}

bool HeapCache::holds_slot(const std::byte* slot, std::size_t small_class) const {
    for (MagazineTop at = bins_[small_class].top; const std::byte* const seen = look_at(--at);) {
        if (seen == slot) return true;
    }
    return false;
}

AllocError HeapCache::refusal(Layout layout) {
    return std::has_single_bit(layout.alignment) ? AllocError::too_large
                                                 : AllocError::bad_alignment;
}

}  // namespace cairn
