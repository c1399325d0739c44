// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/memory/frame_pool.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <span>

#include <cairn/bits.hpp>
#include <cairn/panic.hpp>

namespace cairn {

static_assert(frame_size == PageHeap::page_size);

namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;
constexpr std::uint64_t descriptor_share = 64;  ///< of the RAM, one part at most

constexpr std::uint64_t mark_size = 2 * mebi;  ///< bytes of RAM that a mark is for
constexpr std::uint64_t frames_of_mark = mark_size / frame_size;

/// Marks of use for a window of `pages` frames.
constexpr std::uint64_t mark_count(std::uint64_t pages) {
    return pages / frames_of_mark + 1;
}

/// Bytes of what is known about `pages` frames.
constexpr std::uint64_t descriptors_size(std::uint64_t pages) {
    return PageHeap::metadata_size(pages) + (pages + pages % 2) * sizeof(std::uint16_t) +
           mark_count(pages);
}

/// Whether the frames of the map's window, holes and all, can have descriptors.
bool is_compact(const MemoryMap& map) {
    const std::uint64_t pages = map.window().size / frame_size;
    const std::uint64_t descriptors = descriptors_size(pages) - descriptors_size(0);
    return pages <= PageHeap::max_pages && descriptors <= map.bytes() / descriptor_share;
}

}  // namespace

bool FramePool::init(MemoryMap map) {
    const SpinGuard guard(lock_);
    while (map.ranges().size() > 1 && !is_compact(map))
        unused_bytes_ += map.take_farthest().size;
    const HostRange window = map.window();
    const std::uint64_t pages =
        std::min<std::uint64_t>(window.size / frame_size, PageHeap::max_pages);
    const auto descriptors = map.take(descriptors_size(pages));
    if (!descriptors) return false;
    base_ = window.base;
    others_ = reinterpret_cast<Owners*>(at(descriptors->base));
    static_assert(alignof(PageInfo) <= 2 * sizeof(Owners));
    auto* const metadata = reinterpret_cast<std::byte*>(others_ + (pages + pages % 2));
    pages_.init(metadata, pages, base_.value, report_);
    marks_ = reinterpret_cast<std::uint8_t*>(metadata + PageHeap::metadata_size(pages));
    std::memset(marks_, 0, mark_count(pages));
    for (const HostRange& range : map.ranges()) {
        const std::uint64_t first = (range.base - base_) / frame_size;
        const std::uint64_t count = std::min(range.size / frame_size, pages - first);
        pages_.add(first, count);
        unused_bytes_ += range.size - count * frame_size;
    }
    total_pages_ = pages_.free_pages();
    return true;
}

/// `count` frames whose base is `remainder` modulo `alignment`.
std::optional<HostPhys> FramePool::take(std::uint64_t count, std::uint64_t alignment,
                                        std::uint64_t remainder) {
    const bool valid = std::has_single_bit(alignment) && alignment >= frame_size &&
                       is_aligned(remainder, frame_size);
    if (!valid) return std::nullopt;
    const std::uint64_t phase = (base_.value - remainder) / frame_size;
    const SpinGuard guard(lock_);
    const std::size_t page = pages_.allocate(count, alignment / frame_size, phase);
    if (page == PageHeap::none) return std::nullopt;
    return base_ + page * frame_size;
}

std::optional<HostRange> FramePool::take_guest_ram(std::uint64_t size, GuestPhys guest_base) {
    const auto rounded = align_up(size, frame_size);
    if (!rounded) return std::nullopt;
    for (const std::uint64_t leaf : {gibi, 2 * mebi}) {
        if (size < leaf && leaf == gibi) continue;
        const auto base = take(*rounded / frame_size, leaf, guest_base.value & (leaf - 1));
        if (base) return HostRange{*base, *rounded};
    }
    return std::nullopt;
}

std::optional<HostPhys> FramePool::allocate_frames(std::size_t count, std::uint64_t alignment) {
    const auto base = take(count, alignment, 0);
    if (base) mark_used({*base, count * frame_size});
    return base;
}

std::span<std::uint8_t> FramePool::use_marks(HostRange range) const {
    const std::uint64_t first = (range.base - base_) / mark_size;
    const std::uint64_t last = (range.end() - 1 - base_) / mark_size;
    return {marks_ + first, last - first + 1};
}

void FramePool::mark_used(HostRange range) {
    const SpinGuard guard(lock_);
    for (std::uint8_t& mark : use_marks(range))
        mark |= used;
}

bool FramePool::was_used(HostRange range) const {
    const SpinGuard guard(lock_);
    return std::ranges::any_of(use_marks(range),
                               [](std::uint8_t mark) { return (mark & used) != 0; });
}

bool FramePool::is_taken(std::uint64_t page) const {
    const std::uint8_t use = pages_.use_map()[page];
    return use == static_cast<std::uint8_t>(PageUse::run) ||
           use == static_cast<std::uint8_t>(PageUse::inside);
}

/// The number of the first of `count` frames, where somebody has taken all of them.
std::optional<std::uint64_t> FramePool::taken_page(HostPhys base, std::uint64_t count) const {
    const std::uint64_t first = (base - base_) / frame_size;
    const bool inside = is_aligned(base.value, frame_size) && count != 0 &&
                        first < pages_.pages() && count <= pages_.pages() - first;
    if (!inside) return std::nullopt;
    for (std::uint64_t page = first; page < first + count;) {
        if (!is_taken(page)) return std::nullopt;
        const std::uint64_t run = pages_.run_of(page);
        page = run + pages_.run_length(run);
    }
    return first;
}

std::uint32_t FramePool::others(std::uint64_t page) const {
    return (marks_[page / frames_of_mark] & counted) != 0 ? others_[page] : 0;
}

/// The counts of these frames, which are written from now on.
std::span<FramePool::Owners> FramePool::counted_others(std::uint64_t first, std::uint64_t count) {
    const std::uint64_t last = (first + count - 1) / frames_of_mark;
    for (std::uint64_t mark = first / frames_of_mark; mark <= last; ++mark) {
        if ((marks_[mark] & counted) != 0) continue;
        marks_[mark] |= counted;
        const std::uint64_t begin = mark * frames_of_mark;
        std::fill_n(others_ + begin, std::min(frames_of_mark, pages_.pages() - begin), Owners{0});
    }
    return {others_ + first, count};
}

/// Makes frames free that have no owner any more: parts of runs, whole ones, several.
void FramePool::release(std::uint64_t first, std::uint64_t count) {
    const std::uint64_t end = first + count;
    while (first < end) {
        std::uint64_t run = pages_.run_of(first);
        pages_.split(run, first);
        run = first;
        pages_.split(run, end);
        first += pages_.run_length(run);
        pages_.free(run);
    }
}

void FramePool::free_frames(HostPhys base, std::size_t count) {
    const SpinGuard guard(lock_);
    const auto first = taken_page(base, count);
    if (!first) panic("page frames were freed that nobody had taken");
    if (shares_ == 0) return release(*first, count);
    for (std::uint64_t page = *first, kept = page; page < *first + count; page = kept) {
        while (kept < *first + count && others(kept) == 0)
            ++kept;
        release(page, kept - page);
        for (; kept < *first + count && others(kept) != 0; ++kept) {
            --others_[kept];
            --shares_;
        }
    }
}

bool FramePool::share_frames(HostPhys base, std::size_t count) {
    const SpinGuard guard(lock_);
    const auto first = taken_page(base, count);
    if (!first) return false;
    const std::span<Owners> counts = counted_others(*first, count);
    constexpr Owners most = std::numeric_limits<Owners>::max();
    if (std::ranges::find(counts, most) != counts.end()) return false;
    for (Owners& each : counts)
        ++each;
    shares_ += count;
    return true;
}

std::uint32_t FramePool::owners(HostPhys frame) const {
    const SpinGuard guard(lock_);
    const auto page = taken_page(frame, 1);
    return page ? others(*page) + 1 : 0;
}

std::uint64_t FramePool::free_bytes() const {
    const SpinGuard guard(lock_);
    return pages_.free_pages() * frame_size;
}

std::uint64_t FramePool::largest_free() const {
    const SpinGuard guard(lock_);
    return pages_.largest_free() * frame_size;
}

std::byte* FramePool::at(HostPhys address) {
    return reinterpret_cast<std::byte*>(address.value);
}

}  // namespace cairn
