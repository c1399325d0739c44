// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/queue/descriptor_table.hpp"

#include "kernel/arch/devices/virtio_ring.hpp"

namespace cairn {

RingDone add_buffer(const DmaTurn& turn, GuestRange buffer, std::uint16_t flags,
                    DescriptorChain& chain) {
    if (buffer.size == 0) return {};
    if (!turn.holds(buffer)) return std::unexpected(RingFault::outside_ram);
    if (chain.bytes() + buffer.size > virtio_ring::most_bytes)
        return std::unexpected(RingFault::too_many_bytes);
    const bool writable = (flags & virtio_ring::desc_write) != 0;
    if (!writable && chain.has_writable()) return std::unexpected(RingFault::wrong_order);
    if (!chain.add(buffer, writable)) return std::unexpected(RingFault::too_long);
    return {};
}

}  // namespace cairn
