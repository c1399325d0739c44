// SPDX-License-Identifier: MIT
#include "kernel/dev/bus.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <cairn/bits.hpp>

namespace cairn {

std::string_view to_string(AttachError error) {
    switch (error) {
        case AttachError::empty: return "the device's block has no bytes";
        case AttachError::wraps: return "the device's block passes the end of the address space";
        case AttachError::overlaps: return "the device's block overlaps another device's";
        case AttachError::full: return "the bus has no room for another device";
    }
    std::unreachable();
}

std::string_view to_string(BusError error) {
    switch (error) {
        case BusError::unmapped: return "no device has a register at this address";
        case BusError::width: return "no register here is accessed with this width or alignment";
        case BusError::straddles: return "the access crosses the end of a device's block";
        case BusError::busy: return "the device is busy";
    }
    std::unreachable();
}

bool Bus::precedes(GuestRange block, const Attachment& other) {
    return block.base < other.block.base;
}

std::expected<void, AttachError> Bus::attach(GuestRange block, MmioDevice& device) {
    if (block.size == 0) return std::unexpected(AttachError::empty);
    if (!checked_add(block.base.value, block.size)) return std::unexpected(AttachError::wraps);

    const auto end = attachments_.begin() + count_;
    const auto place = std::upper_bound(attachments_.begin(), end, block, precedes);
    const bool below = place != attachments_.begin() && std::prev(place)->block.overlaps(block);
    const bool above = place != end && place->block.overlaps(block);
    if (below || above) return std::unexpected(AttachError::overlaps);
    if (count_ == max_devices) return std::unexpected(AttachError::full);

    std::move_backward(place, end, end + 1);
    *place = {block, &device};
    ++count_;
    return {};
}

std::expected<Bus::Hint, BusError> Bus::find(GuestPhys at, AccessWidth width) const {
    const std::uint64_t bytes = std::to_underlying(width);
    const auto end = attachments_.begin() + count_;
    const auto above = std::upper_bound(attachments_.begin(), end, GuestRange{at}, precedes);
    if (above == attachments_.begin()) return std::unexpected(BusError::unmapped);
    const Attachment& found = *std::prev(above);
    if (!found.block.contains(at)) return std::unexpected(BusError::unmapped);
    if (!found.block.contains(at, bytes)) return std::unexpected(BusError::straddles);
    if (!is_aligned(at.value, bytes)) return std::unexpected(BusError::width);
    return Hint(found, bytes);
}

std::expected<std::uint64_t, BusError> Bus::read(GuestPhys at, AccessWidth width) const {
    const auto found = find(at, width);
    if (!found) return std::unexpected(found.error());
    return found->device().read(found->offset(at), width);
}

std::expected<void, BusError> Bus::write(GuestPhys at, AccessWidth width,
                                         std::uint64_t value) const {
    const auto found = find(at, width);
    if (!found) return std::unexpected(found.error());
    return found->device().write(found->offset(at), width, value);
}

}  // namespace cairn
