// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/memory/memory_map.hpp"

#include <cairn/bits.hpp>

namespace cairn {

namespace {

constexpr std::uint64_t last_frame = ~(frame_size - 1);

}  // namespace

HostRange frames_inside(HostRange range) {
    const auto base = align_up(range.base.value, frame_size);
    const std::uint64_t end = align_down(range.end().value, frame_size);
    if (!base || *base >= end) return {};
    return {{*base}, end - *base};
}

HostRange frames_around(HostRange range) {
    const std::uint64_t base = align_down(range.base.value, frame_size);
    const auto sum = checked_add(range.base.value, range.size);
    const auto end = sum ? align_up(*sum, frame_size) : std::nullopt;
    return {{base}, end.value_or(last_frame) - base};
}

std::string_view to_string(MemoryMapError error) {
    switch (error) {
        case MemoryMapError::wraps: return "a range ends beyond the 64-bit address space";
        case MemoryMapError::too_many_ranges: return "there are more separate ranges than fit";
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
    return map;
}

std::optional<HostRange> MemoryMap::take(std::uint64_t size) {
    const auto rounded = align_up(size, frame_size);
    if (!rounded || *rounded == 0) return std::nullopt;
    const HostRange* best = nullptr;
    for (const HostRange& range : ranges()) {
        if (range.size >= *rounded && (best == nullptr || range.size < best->size)) best = &range;
    }
    if (best == nullptr) return std::nullopt;
    const HostRange taken{best->base, *rounded};
    return free_.remove(taken) ? std::optional(taken) : std::nullopt;
}

HostRange MemoryMap::take_farthest() {
    const HostRange first = ranges().front();
    const HostRange last = ranges().back();
    const std::uint64_t before = ranges()[1].base - first.base;
    const std::uint64_t behind = last.end() - ranges()[ranges().size() - 2].end();
    const HostRange taken = before / first.size > behind / last.size ? first : last;
    return free_.remove(taken) ? taken : HostRange{};
}

HostRange MemoryMap::window() const {
    if (ranges().empty()) return {};
    const HostPhys base = ranges().front().base;
    return {base, ranges().back().end() - base};
}

}  // namespace cairn
