// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/memory/address_space.hpp"

#include <algorithm>

namespace cairn {
namespace {

/// The pages of `range` get these permissions, whatever they had; false: too many ranges.
bool assign(AddressSpace& space, RangeList& to, HostRange range) {
    const HostRange pages = frames_around(range);
    if (range.size == 0) return true;
    for (RangeList* const list : {&space.writable, &space.readable, &space.executable}) {
        if (list != &to && !list->remove(pages)) return false;
    }
    return to.insert(pages);
}

bool assign_all(AddressSpace& space, RangeList& to, std::span<const HostRange> ranges) {
    return std::ranges::all_of(ranges,
                               [&](const HostRange& range) { return assign(space, to, range); });
}

std::expected<void, PageTableError> map_all(PageTable& table, const RangeList& list,
                                            PagePermissions permissions) {
    for (const HostRange& range : list.ranges()) {
        const auto mapped = table.map(range.base.value, range.base, range.size, permissions);
        if (!mapped) return mapped;
    }
    return {};
}

}  // namespace

HostPhys AddressSpace::end() const {
    HostPhys end;
    for (const RangeList* const list : {&writable, &readable, &executable}) {
        if (!list->ranges().empty()) end = std::max(end, list->ranges().back().end());
    }
    return end;
}

std::expected<AddressSpace, MemoryMapError> plan_address_space(const AddressSpaceParts& parts) {
    const auto memory = MemoryMap::create(parts.memory, parts.reserved);
    if (!memory) return std::unexpected(memory.error());
    AddressSpace space;
    const HostRange page_zero{{0}, frame_size};
    const bool fits = assign_all(space, space.writable, memory->ranges()) &&
                      assign_all(space, space.writable, parts.own) &&
                      assign_all(space, space.writable, parts.devices) &&
                      assign_all(space, space.readable, parts.read_only) &&
                      assign(space, space.readable, parts.constants) &&
                      assign(space, space.executable, parts.code) &&
                      space.writable.remove(page_zero) && space.readable.remove(page_zero) &&
                      space.executable.remove(page_zero);
    if (!fits) return std::unexpected(MemoryMapError::too_many_ranges);
    return space;
}

std::expected<void, PageTableError> map_address_space(PageTable& table, const AddressSpace& space) {
    if (const auto mapped = map_all(table, space.writable, pages_rw); !mapped) return mapped;
    if (const auto mapped = map_all(table, space.readable, pages_r); !mapped) return mapped;
    return map_all(table, space.executable, pages_rx);
}

}  // namespace cairn
