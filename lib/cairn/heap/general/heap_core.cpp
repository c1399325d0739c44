// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
#include "cairn/heap/general/heap_core.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "cairn/bits.hpp"
#include "cairn/heap/general/heap_cache.hpp"
#include "cairn/heap/store/slot_depot.hpp"

namespace cairn {
namespace {

constexpr std::size_t growth_pages = 64;          // the least that is taken from the break at once
constexpr std::size_t most_kept_slots = 4 << 20;  // free bytes that no slab is taken apart for
constexpr unsigned smallest_spared = 33;          // class of slots that blocks may stand for
constexpr unsigned most_joined = 4;               // slots given at once that pages or rows follow
constexpr std::uint32_t releasable = 16;          // free pages in a row that are worth a call

}  // namespace

std::expected<void, AllocError> HeapCore::init(BumpAllocator& source, std::string_view owner,
                                               FaultHook hook, bool zeroed) {
    const SpinGuard guard(lock_);
    if (window_.pages != 0) return std::unexpected(AllocError::already_initialised);
    const Region region = source.region();
    const auto base = align_down(reinterpret_cast<std::uintptr_t>(region.base), heap_page);
    const auto end = reinterpret_cast<std::uintptr_t>(region.base) + region.size;
    const std::size_t pages = (end - base + heap_page - 1) / heap_page;
    if (region.size == 0 || pages > PageHeap::max_pages) {
        return std::unexpected(AllocError::bad_region);
    }
    const auto bins = source.allocate(TlsfArena::metadata_size, default_alignment);
    if (!bins) return std::unexpected(bins.error());
    const auto metadata = source.allocate(PageHeap::metadata_size(pages), alignof(PageInfo));
    if (!metadata) return std::unexpected(metadata.error());
    source_ = &source;
    window_ = {.base = region.base - (reinterpret_cast<std::uintptr_t>(region.base) - base),
               .pages = static_cast<std::uint32_t>(pages)};
    report_ = {.hook = hook, .owner = owner};
    pages_.init(*metadata, window_.pages, base, report_, zeroed);
    slabs_.init(pages_, window_.base, origin(), report_);
    kept_slots_ = std::min(pages / 32 * heap_page, most_kept_slots);
    blocks_.init(report_, region, *bins);
    return {};
}

void HeapCore::set_reclaimer(Reclaimer reclaimer) {
    const SpinGuard guard(lock_);
    reclaimer_ = reclaimer;
}

void HeapCore::set_releaser(Releaser releaser) {
    const SpinGuard guard(lock_);
    releaser_ = releaser;
    kept_ = releaser.function == nullptr ? SIZE_MAX / 2 : releaser.kept;
    release_ = [](HeapCore& core) CAIRN_NO_THREAD_SAFETY_ANALYSIS { core.release(); };
}

void HeapCore::set_cache_hook(void (*hook)(HeapCache& cache)) {
    const SpinGuard guard(lock_);
    cache_hook_ = hook;
}

// --- pages ---------------------------------------------------------------------------------------

bool HeapCore::grow_by(std::size_t pages) {
    if (pages == 0) return false;
    const auto chunk = source_->allocate(pages * heap_page, heap_page);
    if (!chunk) return false;
    pages_.add(page_of(*chunk), pages);
    grown_ += pages * heap_page;
    break_pages_ = source_->remaining() / heap_page;
    surplus_ += pages * heap_page;
    return true;
}

/// More of the break, at least `count` pages if there are as many: whether there was any.
bool HeapCore::grow(std::size_t count) {
    const std::size_t left = source_->remaining() / heap_page;
    // What is left may join a free run at its end; but if both are too short, it stays.
    if (left == 0 || count > left + pages_.largest_free()) return false;
    return grow_by(std::min(std::max(count, growth_pages), left)) || grow_by(left) ||
           grow_by(left - 1);
}

std::size_t HeapCore::find_pages(std::size_t count, std::size_t alignment) {
    const std::size_t phase = reinterpret_cast<std::uintptr_t>(window_.base) / heap_page;
    while (true) {
        const std::size_t first = pages_.allocate(count, alignment, phase);
        if (first != PageHeap::none) {
            surplus_ -= std::min(surplus_, count * heap_page);
            note_pages();
            return first;
        }
        if (!grow(count + alignment - 1)) return first;
    }
}

void HeapCore::free_pages(std::size_t first) {
    surplus_ += pages_.run_length(first) * heap_page;
    pages_.free(first);
    note_pages();
}

/// Caches keep little from when a sixteenth of the window is left: half as much as one may have.
void HeapCore::note_pages() {
    const bool is_short = break_pages_ + pages_.free_pages() < window_.pages / 16;
    __atomic_store_n(&short_, is_short, __ATOMIC_RELAXED);
}

void HeapCore::add_in_use(std::size_t bytes) {
    in_use_ += bytes;
    peak_ = std::max(peak_, in_use_);
}

/// The same of memory that was free.
void HeapCore::take_in_use(std::size_t bytes) {
    surplus_ -= std::min(surplus_, bytes);
    add_in_use(bytes);
}

/// What was in use has another size now.
void HeapCore::change_in_use(std::size_t old_bytes, std::size_t new_bytes) {
    in_use_ -= old_bytes;
    surplus_ += old_bytes;
    take_in_use(new_bytes);
}

std::byte* HeapCore::take_run(std::size_t pages, std::size_t alignment) {
    if (pages > window_.pages || alignment / heap_page > window_.pages) return nullptr;
    const SpinGuard guard(lock_);
    const std::size_t first = find_pages(pages, alignment / heap_page);
    if (first == PageHeap::none) return nullptr;
    add_in_use(pages * heap_page);
    return address(first);
}

void HeapCore::give_run(std::byte* run) {
    const SpinGuard guard(lock_);
    const std::size_t first = page_of(run);
    in_use_ -= pages_.run_length(first) * heap_page;
    free_pages(first);
    release_surplus();
}

bool HeapCore::resize_run(std::byte* run, std::size_t new_pages) {
    const SpinGuard guard(lock_);
    const std::size_t first = page_of(run);
    const std::size_t old_pages = pages_.run_length(first);
    if (new_pages > window_.pages) return false;
    if (new_pages < old_pages) {
        pages_.shrink(first, new_pages);
    } else if (!pages_.extend(first, new_pages)) {
        return false;
    }
    change_in_use(old_pages * heap_page, new_pages * heap_page);
    note_pages();
    release_surplus();
    return true;
}

std::byte* HeapCore::take_internal(std::size_t size) {
    const SpinGuard guard(lock_);
    const std::size_t count = pages_for(size);
    const std::size_t first = find_pages(count, 1);
    if (first == PageHeap::none) return nullptr;
    pages_.set_use(first, count, PageUse::internal);
    return address(first);
}

void HeapCore::give_internal(std::byte* memory) {
    const SpinGuard guard(lock_);
    free_pages(page_of(memory));
}

// --- slots ---------------------------------------------------------------------------------------

std::size_t HeapCore::take_slots(std::size_t small_class, std::uint32_t owner, std::byte** slots,
                                 std::size_t wanted) {
    if (depot() != nullptr && wanted == SlotDepot::batch) {
        const std::size_t handed = take_handed(small_class, owner, slots);
        if (handed != 0) return handed;
    }
    const SpinGuard guard(lock_);
    std::size_t count = slabs_.take(small_class, owner, slots, wanted);
    if (count == 0) {
        const bool is_spared = small_class >= smallest_spared && wants_blocks();
        const std::size_t first = is_spared ? PageHeap::none : find_pages(slab_pages, slab_pages);
        if (first != PageHeap::none) slabs_.add_slab(small_class, owner, first);
        if (first == PageHeap::none && !slabs_.take_over(small_class, owner, true)) return 0;
        count = slabs_.take(small_class, owner, slots, wanted);
    }
    add_in_use(count * class_size(small_class));
    return count;
}

void HeapCore::give_slot(std::byte* slot) {
    const SpinGuard guard(lock_);
    give_one_slot(slot);
    release_surplus();
}

void HeapCore::give_slots(std::byte**& top, std::size_t count) {
    const SpinGuard guard(lock_);
    std::byte** last = top;
    for (unsigned joined = 0; count != 0 && joined < most_joined; --count)
        joined += give_one_slot(*--last) ? 1U : 0U;
    show(top, last);
    release_surplus();
}

void HeapCore::give_batch(std::byte**& top, std::uint32_t giver) {
    if (depot() == nullptr || !hand_over(top, giver)) give_slots(top, HeapCache::batch);
}

/// Whether a row or pages followed.
bool HeapCore::give_one_slot(std::byte* slot) {
    const std::uint8_t small_class = pages_.use_map()[page_of(slot)];
    if (small_class == static_cast<std::uint8_t>(PageUse::apart)) {
        give_slot_apart(slot);
        return true;
    }
    if (small_class > small_classes) {
        give_one_block(slot);  // a slot that two give back at once
        return false;
    }
    if constexpr (!heap_checks) reinterpret_cast<FreeSlot*>(slot)->canary = origin();
    in_use_ -= class_size(small_class);
    const std::size_t empty = slabs_.give(slot);
    if (empty == PageHeap::none) return false;
    free_pages(empty);
    return true;
}

/// Another hart that takes this very slot at the moment may hide it.
SlabStore::SlotState HeapCore::state_of_slot(const std::byte* slot) const {
    const SpinGuard guard(lock_);
    std::size_t small_class = pages_.use_map()[page_of(slot)];
    const bool is_apart = small_class == static_cast<std::size_t>(PageUse::apart);
    if (is_apart) small_class = slabs_.use_apart(slot);
    if (small_class > small_classes) return SlabStore::SlotState::free;  // given back meanwhile
    for (const HeapCache* cache = caches_; cache != nullptr; cache = cache->next_) {
        if (cache->holds_slot(slot, small_class)) return SlabStore::SlotState::free;
    }
    // Behind the caches, which are where its slots come from.
    if (depot() != nullptr && depot_->holds(slot, small_class)) return SlabStore::SlotState::free;
    if (!is_apart) return slabs_.state_of(slot);
    return slabs_.is_waiting(slot) ? SlabStore::SlotState::free : SlabStore::SlotState::out;
}

// --- blocks --------------------------------------------------------------------------------------

bool HeapCore::add_chunk_of(std::size_t pages) {
    const std::size_t first = find_pages(pages, 1);
    if (first == PageHeap::none) return false;
    pages_.set_use(first, pages, PageUse::block_chunk);
    surplus_ += pages * heap_page;  // until its blocks are taken
    return blocks_.add_chunk(address(first), pages * heap_page);
}

/// A chunk for blocks, with room for one of `size` bytes at least.
bool HeapCore::add_chunk(std::size_t size) {
    const std::size_t needed = pages_for(size + tlsf::grain + TlsfArena::chunk_overhead);
    const std::size_t usual = std::min<std::size_t>(window_.pages / 16, chunk_size / heap_page);
    return (!is_short() && add_chunk_of(std::max(needed, usual))) || add_chunk_of(needed);
}

std::byte* HeapCore::find_block(std::size_t size, std::size_t alignment) {
    const bool aligned = alignment > default_alignment;
    for (bool grown = false;; grown = true) {
        // The first of a few that fits, where there are rows of slots, of all lengths.
        std::byte* const block = aligned || slabs_.has_apart()
                                     ? blocks_.take_aligned(size, alignment)
                                     : blocks_.take(size);
        if (block != nullptr || grown) return block;
        if (!add_chunk(aligned ? size + alignment : size)) return nullptr;
    }
}

std::byte* HeapCore::take_block(std::size_t size, std::size_t alignment) {
    if (size > largest_block) return nullptr;
    const SpinGuard guard(lock_);
    if (has_much_in_slots()) take_slab_apart();
    std::byte* const block = find_block(size, alignment);
    if (block != nullptr) take_in_use(blocks_.usable_size(block));
    return block;
}

HeapCore::Row HeapCore::take_blocks(std::size_t length, std::size_t wanted) {
    const SpinGuard guard(lock_);
    if (has_much_in_slots()) take_slab_apart();
    std::byte* block = nullptr;
    // Rows of slots are short: several blocks at once would not fit.
    if (wanted > 1 && !slabs_.has_apart())
        block = blocks_.take_at_once(wanted * length - tlsf::header_size);
    if (block == nullptr) {
        wanted = 1;
        block = find_block(length - tlsf::header_size, default_alignment);
        if (block == nullptr) return {};
    }
    take_in_use(blocks_.usable_size(block) - (wanted - 1) * tlsf::header_size);
    const Row row{.first = block, .count = wanted};
    while (--wanted != 0)
        block = blocks_.cut_off(block, length);
    return row;
}

void HeapCore::give_block(std::byte* block) {
    const SpinGuard guard(lock_);
    give_one_block(block);
    release_surplus();
}

void HeapCore::give_cached_blocks(std::byte** blocks, std::size_t count) {
    const SpinGuard guard(lock_);
    for (std::byte* const block : std::span(blocks, count)) {
        if (heap_checks && !blocks_.unmark_cached(block)) {
            report_(HeapFaultKind::use_after_free, block);
        } else {
            give_one_block(block);
        }
    }
    release_surplus();
}

void HeapCore::give_one_block(std::byte* block) {
    const bool aligned = is_aligned(reinterpret_cast<std::uintptr_t>(block), tlsf::grain);
    const std::size_t size = aligned ? blocks_.usable_size(block) : 0;
    const std::uint64_t faults = report_.count;
    const Region chunk = blocks_.give(block);
    if (report_.count != faults) return;
    in_use_ -= size;
    surplus_ += size;
    if (chunk.base == nullptr) return;
    // A row of a slab has other slots beside it.
    if (pages_.use_map()[page_of(chunk.base)] == static_cast<std::uint8_t>(PageUse::apart)) return;
    const bool is_spare = spare_chunk_ == nullptr || spare_chunk_ == chunk.base;
    // Its pages do not count as free: not where pages are few, nor of more than one chunk's length.
    if (is_spare && !is_short() && chunk.size <= chunk_size) {
        spare_chunk_ = chunk.base;
        return;
    }
    if (is_spare) spare_chunk_ = nullptr;
    release_chunk(chunk);
}

/// Several runs may have become one chunk; they are given back as one.
void HeapCore::release_chunk(Region chunk) {
    if (!blocks_.remove_chunk(chunk)) return;
    pages_.add(page_of(chunk.base), chunk.size / heap_page);
    note_pages();
}

bool HeapCore::resize_block(std::byte* block, std::size_t new_size) {
    if (new_size > largest_block) return false;
    const SpinGuard guard(lock_);
    const std::size_t old_size = blocks_.usable_size(block);
    if (!blocks_.resize(block, new_size)) return false;
    change_in_use(old_size, blocks_.usable_size(block));
    return true;
}

// --- when memory is short ------------------------------------------------------------------------

/// For a request of `size` bytes. Empties the depot for good, opens rows, or gives a spare slab or
/// chunk back to the pages: whether there was any.
bool HeapCore::trim(std::size_t size) {
    if (depot() != nullptr && size <= largest_block) {
        depot_->close();
        if (empty_depot()) return true;
    }
    const SpinGuard guard(lock_);
    if (size < slab_size && slabs_.has_waiting()) {
        take_slab_apart();
        return true;
    }
    const std::size_t spare = slabs_.drop_spare();
    if (spare != PageHeap::none) {
        free_pages(spare);
        return true;
    }
    if (spare_chunk_ == nullptr) return false;
    const Region chunk = blocks_.free_chunk(std::exchange(spare_chunk_, nullptr));
    if (chunk.base != nullptr) release_chunk(chunk);
    return chunk.base != nullptr;
}

/// Lends free memory back when so much has become free that it may be worth it.
void HeapCore::release_surplus() {
    if (surplus_ > kept_ + in_use_ / 8) [[unlikely]]
        release_(*this);
}

void HeapCore::release() {
    surplus_ = 0;
    constexpr std::size_t least = releasable * heap_page;
    const Releaser releaser = releaser_;
    const auto visit = [&releaser](std::byte* base, std::size_t size) {
        releaser.function(releaser.context, base, size);
    };
    pages_.for_each_free_run(releasable,
                             [&, base = window_.base](std::size_t first, std::size_t count) {
                                 visit(base + first * heap_page, count * heap_page);
                             });
    blocks_.for_each_free_space(least, [&](std::byte* from, std::byte* to) {
        from += -reinterpret_cast<std::uintptr_t>(from) % heap_page;
        to -= reinterpret_cast<std::uintptr_t>(to) % heap_page;
        if (to > from) visit(from, static_cast<std::size_t>(to - from));
    });
}

bool HeapCore::reclaim(std::size_t wanted) {
    lock_.lock();
    const Reclaimer reclaimer = reclaimer_;
    lock_.unlock();
    return reclaimer.function != nullptr && reclaimer.function(reclaimer.context, wanted);
}

void HeapCore::count_failure() {
    const SpinGuard guard(lock_);
    ++failures_;
}

// --- looking -------------------------------------------------------------------------------------

void HeapCore::attach(HeapCache& cache) {
    lock_.lock();
    cache.next_ = caches_;
    cache.owner_ = slabs_.join();
    caches_ = &cache;
    auto* const hook = cache_hook_;
    lock_.unlock();
    if (hook != nullptr) hook(cache);
}

void HeapCore::detach(HeapCache& cache) {
    const std::uint32_t owner = cache.owner_;
    lock_.lock();
    slabs_.leave(std::exchange(cache.owner_, 0));
    HeapCache** link = &caches_;
    while (*link != nullptr && *link != &cache)
        link = &(*link)->next_;
    if (*link != nullptr) *link = cache.next_;
    const bool is_left = depot() != nullptr && !slabs_.has_members(owner);
    lock_.unlock();
    if (is_left) empty_depot(owner);
}

void HeapCore::forget_caches_but(HeapCache& own) {
    slabs_.leave_all_but(own.owner_);
    own.next_ = nullptr;
    caches_ = own.magazines_ == nullptr ? nullptr : &own;
}

/// Other harts' caches are read while they are in use, so `cached` and `live` may be off by what
/// they are doing at the moment.
HeapStatistics HeapCore::statistics() const {
    const SpinGuard guard(lock_);
    HeapStatistics figures;
    figures.window = std::size_t{window_.pages} * heap_page;
    for (const HeapCache* cache = caches_; cache != nullptr; cache = cache->next_) {
        figures.cached += cache->cached_bytes();
    }
    if (depot() != nullptr) figures.cached += depot_->bytes();
    figures.live = in_use_ - std::min(in_use_, figures.cached);
    figures.grown = grown_;
    const TlsfStore::Free blocks = blocks_.count_free();
    figures.largest_free = std::max<std::size_t>(pages_.largest_free() * heap_page, blocks.largest);
    figures.free = pages_.free_pages() * heap_page + blocks.total + slabs_.free_bytes();
    figures.peak = peak_;
    figures.failures = failures_;
    return figures;
}

bool HeapCore::check() {
    if (depot() != nullptr) empty_depot();
    const SpinGuard guard(lock_);
    if (window_.pages == 0) return true;
    bool good = pages_.check();
    const std::uint8_t* const use = pages_.use_map();
    for (std::uint32_t page = 0; good && page < window_.pages;) {
        const bool is_slab = use[page] - 1U < small_classes;
        if (is_slab && !slabs_.check(page)) good = false;
        page += use[page] == 0 ? 1 : std::max<std::uint32_t>(pages_.run_length(page), 1);
    }
    return blocks_.check() && good;
}

}  // namespace cairn
