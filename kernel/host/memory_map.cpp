// SPDX-License-Identifier: MIT
#include "kernel/host/memory_map.hpp"

#include <algorithm>
#include <bit>

#include "lib/bits.hpp"

namespace cairn {

namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;
constexpr std::uint64_t last_frame = ~(frame_size - 1);

/// The whole frames inside `range`; it does not wrap.
HostRange frames_inside(HostRange range) {
    const auto base = align_up(range.base.value, frame_size);
    const std::uint64_t end = align_down(range.end().value, frame_size);
    if (!base || *base >= end) return {};
    return {{*base}, end - *base};
}

/// The whole frames that `range` touches; an end beyond the address space is cut off there.
HostRange frames_around(HostRange range) {
    const std::uint64_t base = align_down(range.base.value, frame_size);
    const auto sum = checked_add(range.base.value, range.size);
    const auto end = sum ? align_up(*sum, frame_size) : std::nullopt;
    return {{base}, end.value_or(last_frame) - base};
}

/// Where a range of `size` bytes with the given base goes in `free`, lowest first.
std::optional<HostRange> place(HostRange free, std::uint64_t size, std::uint64_t alignment,
                               std::uint64_t remainder) {
    const std::uint64_t skip = (remainder - free.base.value) & (alignment - 1);
    if (skip > free.size || size > free.size - skip) return std::nullopt;
    return HostRange{free.base + skip, size};
}

}  // namespace

std::string_view to_string(MemoryMapError error) {
    switch (error) {
        case MemoryMapError::wraps: return "a range ends beyond the 64-bit address space";
        case MemoryMapError::too_many_ranges: return "there are more separate ranges than fit";
        case MemoryMapError::not_taken: return "a range is given back that was not handed out";
    }
    return "unknown error";
}

std::expected<MemoryMap, MemoryMapError> MemoryMap::create(std::span<const HostRange> memory,
                                                           std::span<const HostRange> reserved) {
    MemoryMap map;
    for (const HostRange& range : memory) {
        if (!checked_add(range.base.value, range.size)) {
            return std::unexpected(MemoryMapError::wraps);
        }
        if (!map.free_.insert(frames_inside(range))) {
            return std::unexpected(MemoryMapError::too_many_ranges);
        }
    }
    for (const HostRange& range : reserved) {
        if (range.size != 0 && !map.free_.remove(frames_around(range))) {
            return std::unexpected(MemoryMapError::too_many_ranges);
        }
    }
    map.usable_ = map.free_;
    return map;
}

std::optional<HostRange> MemoryMap::take(std::uint64_t size, std::uint64_t alignment,
                                         std::uint64_t remainder) {
    const auto rounded = align_up(size, frame_size);
    const bool valid = rounded && *rounded != 0 && std::has_single_bit(alignment) &&
                       alignment >= frame_size && is_aligned(remainder, frame_size);
    if (!valid) return std::nullopt;

    std::optional<HostRange> best;
    std::uint64_t best_size = ~0ull;
    for (const HostRange& free : free_.ranges()) {
        if (free.size >= best_size) continue;
        if (const auto placed = place(free, *rounded, alignment, remainder)) {
            best = placed;
            best_size = free.size;
        }
    }
    if (best && !free_.remove(*best)) return std::nullopt;
    return best;
}

std::optional<HostRange> MemoryMap::take_guest_ram(std::uint64_t size, GuestPhys guest_base) {
    for (const std::uint64_t leaf : {gibi, 2 * mebi}) {
        if (size < leaf && leaf == gibi) continue;
        if (const auto range = take(size, leaf, guest_base.value & (leaf - 1))) return range;
    }
    return std::nullopt;
}

std::optional<HostPhys> MemoryMap::take_frames(std::uint64_t count, std::uint64_t alignment) {
    const auto size = checked_multiply(count, frame_size);
    if (!size) return std::nullopt;
    const auto range = take(*size, alignment);
    if (!range) return std::nullopt;
    return range->base;
}

std::expected<void, MemoryMapError> MemoryMap::give_back(HostRange range) {
    const bool whole =
        is_aligned(range.base.value, frame_size) && is_aligned(range.size, frame_size);
    if (!whole || !checked_add(range.base.value, range.size) || !usable_.contains(range) ||
        free_.intersects(range)) {
        return std::unexpected(MemoryMapError::not_taken);
    }
    if (!free_.insert(range)) return std::unexpected(MemoryMapError::too_many_ranges);
    return {};
}

std::uint64_t MemoryMap::largest_free() const {
    std::uint64_t largest = 0;
    for (const HostRange& range : free_.ranges())
        largest = std::max(largest, range.size);
    return largest;
}

}  // namespace cairn
