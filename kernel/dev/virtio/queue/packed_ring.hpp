// SPDX-License-Identifier: MIT
// The packed layout of a queue (VIRTIO 1.2, section 2.8; in memory as virtio_packed_ring.hpp draws
// it): both sides go around one ring of descriptors, the driver with what is available, the device
// behind it with what is used.
//
//     used_                        next_
//       ▼ what the device has        ▼ what it has not taken
//     ──┴────────────────────────────┴────────────────────────►  the ring, lap by lap
//
// A chain takes as many entries as it has descriptors, and what is used goes into the first of as
// many; so whoever gives a chain back says how many those are (ChainToken). Owned by its VirtQueue,
// which says what the functions do that SplitRing has as well.
#pragma once

#include <cstdint>

#include "kernel/arch/devices/virtio_packed_ring.hpp"
#include "kernel/dev/virtio/queue/descriptor_chain.hpp"
#include "kernel/dev/virtio/queue/ring_parts.hpp"

namespace cairn {

class PackedRing {
  public:
    /// The driver's, and the device's.
    [[nodiscard]] static RingArea area(GuestPhys at) {
        return {{at, virtio_packed::event_size}, virtio_packed::event_alignment};
    }

    // As VirtQueue says. Each is a call, so that a split queue pays for none of it: 46 instructions
    // a request. Shaped for: "read 4 KiB, 1 at once".
    [[nodiscard, gnu::noinline]] RingAnswer has_more_than(DmaTurn& turn, RingParts& ring,
                                                          std::uint32_t entries) const;
    [[nodiscard, gnu::noinline]] RingAnswer take(DmaTurn& turn, RingParts& ring,
                                                 DescriptorChain& chain);
    void put_back(const RingParts& ring, std::uint32_t entries) {
        next_ = next_.minus(entries, ring.size);
    }
    [[nodiscard]] RingDone give_back(DmaTurn& turn, RingParts& ring, ChainToken chain,
                                     std::uint32_t written) {
        return put(turn, ring, chain, written, false);
    }
    [[nodiscard]] RingDone write_used(DmaTurn& turn, RingParts& ring, ChainToken chain,
                                      std::uint32_t written) {
        return put(turn, ring, chain, written, !hides_);
    }
    [[nodiscard]] RingDone show_used(DmaTurn& turn, RingParts& ring);
    /// For `entries` that were given back. The driver's wish is read after it can see them: one of
    /// the two sees the other.
    [[nodiscard, gnu::noinline]] RingAnswer wants_interrupt(DmaTurn& turn, RingParts& ring,
                                                            std::uint32_t entries) const;
    /// The driver is asked where `asks`.
    [[nodiscard, gnu::noinline]] RingAnswer await_more(DmaTurn& turn, RingParts& ring,
                                                       bool asks) const;

  private:
    using Position = virtio_packed::Position;

    [[nodiscard, gnu::noinline]] RingDone put(DmaTurn& turn, RingParts& ring, ChainToken chain,
                                              std::uint32_t written, bool hides);
    [[nodiscard]] static RingAnswer is_available(DmaTurn& turn, const RingParts& ring, Position at);
    [[nodiscard]] RingDone walk(DmaTurn& turn, const RingParts& ring, std::uint16_t flags,
                                DescriptorChain& chain);
    [[nodiscard]] static RingDone walk_table(DmaTurn& turn, const RingParts& ring,
                                             const virtio_packed::Descriptor& descriptor,
                                             DescriptorChain& chain);

    Position next_;
    Position used_;  ///< no more than `size` before it
    // Of several that the driver is to see at once:
    bool hides_ = false;
    Position hidden_;                 ///< the first
    std::uint16_t hidden_flags_ = 0;  ///< it is to have
};

}  // namespace cairn
