// SPDX-License-Identifier: MIT
#include "kernel/host/frame_pool.hpp"

#include <algorithm>
#include <bit>

#include "lib/bits.hpp"
#include "lib/panic.hpp"

namespace cairn {

static_assert(frame_size == PageHeap::page_size);

namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;
constexpr std::uint64_t descriptor_share = 64;  ///< of the RAM, one part at most

/// Whether the frames of the map's window, holes and all, can have descriptors.
bool is_compact(const MemoryMap& map) {
    const std::uint64_t pages = map.window().size / frame_size;
    const std::uint64_t descriptors = PageHeap::metadata_size(pages) - PageHeap::metadata_size(0);
    return pages <= PageHeap::max_pages && descriptors <= map.bytes() / descriptor_share;
}

}  // namespace

bool FramePool::init(MemoryMap map) {
    while (map.ranges().size() > 1 && !is_compact(map))
        unused_bytes_ += map.take_farthest().size;
    const HostRange window = map.window();
    const std::uint64_t pages =
        std::min<std::uint64_t>(window.size / frame_size, PageHeap::max_pages);
    const auto descriptors = map.take(PageHeap::metadata_size(pages));
    if (!descriptors) return false;
    base_ = window.base;
    pages_.init(at(descriptors->base), pages,
                {.hook = {}, .window = base_.value, .owner = "page frames"});
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
    const std::uint32_t page = pages_.allocate(count, alignment / frame_size, phase);
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
    return take(count, alignment, 0);
}

void FramePool::free_frames(HostPhys base, std::size_t count) {
    const std::uint64_t page = (base - base_) / frame_size;
    const bool taken = is_aligned(base.value, frame_size) && page < pages_.pages() &&
                       pages_.use_map()[page] == static_cast<std::uint8_t>(PageUse::run) &&
                       pages_.run_length(page) == count;
    require(taken, "page frames were freed that nobody had taken");
    pages_.free(page);
}

std::byte* FramePool::at(HostPhys address) {
    return reinterpret_cast<std::byte*>(address.value);
}

}  // namespace cairn
