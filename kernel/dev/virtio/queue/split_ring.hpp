// SPDX-License-Identifier: MIT
// The split layout of a queue (VIRTIO 1.2, section 2.7; in memory as virtio_ring.hpp draws it):
// what is available and what is used have a ring each, of numbers of descriptors.
//
//     driver   avail.idx ──► take        write_used, show_used ──► used.idx   driver
//
// Owned by its VirtQueue, which says what the functions do that PackedRing has as well.
#pragma once

#include <cstdint>

#include "kernel/arch/devices/virtio_ring.hpp"
#include "kernel/dev/virtio/queue/descriptor_chain.hpp"
#include "kernel/dev/virtio/queue/ring_parts.hpp"

namespace cairn {

class SplitRing {
  public:
    [[nodiscard]] static RingArea driver_area(GuestPhys at, std::uint32_t size) {
        return {{at, virtio_ring::avail_size(size)}, virtio_ring::avail_alignment};
    }
    [[nodiscard]] static RingArea device_area(GuestPhys at, std::uint32_t size) {
        return {{at, virtio_ring::used_size(size)}, virtio_ring::used_alignment};
    }

    // As VirtQueue says.
    [[nodiscard]] RingAnswer has_more_than(DmaTurn& turn, RingParts& ring,
                                           std::uint32_t entries) const;
    [[nodiscard]] RingAnswer take(DmaTurn& turn, RingParts& ring, DescriptorChain& chain);
    void put_back(std::uint32_t entries) { next_ = static_cast<std::uint16_t>(next_ - entries); }
    [[nodiscard]] RingDone give_back(DmaTurn& turn, RingParts& ring, ChainToken chain,
                                     std::uint32_t written);
    [[nodiscard]] RingDone write_used(DmaTurn& turn, RingParts& ring, ChainToken chain,
                                      std::uint32_t written);
    [[nodiscard]] RingDone show_used(DmaTurn& turn, RingParts& ring);
    /// For `entries` that were given back. The driver's wish is read after it can see them: one of
    /// the two sees the other.
    [[nodiscard]] RingAnswer wants_interrupt(DmaTurn& turn, RingParts& ring,
                                             std::uint32_t entries) const;
    /// The driver is asked where `asks`.
    [[nodiscard]] RingAnswer await_more(DmaTurn& turn, RingParts& ring, bool asks) const;

  private:
    /// How many chains there are that have not been taken.
    [[nodiscard]] std::expected<std::uint16_t, RingFault> available(DmaTurn& turn,
                                                                    const RingParts& ring) const;
    [[nodiscard]] static RingDone walk(DmaTurn& turn, const RingParts& ring,
                                       DescriptorChain& chain);

    std::uint16_t next_ = 0;  ///< of the driver's ring
    std::uint16_t used_ = 0;  ///< of the device's ring
};

}  // namespace cairn
