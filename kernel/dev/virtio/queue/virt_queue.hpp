// SPDX-License-Identifier: MIT
// The device's side of a virtqueue over a guest's memory, split or packed (VIRTIO 1.2, sections 2.7
// and 2.8), whatever its driver has chosen.
//
//     driver ── available ──► take ──► DescriptorChain ──► give_back ── used ──► driver
//
// Everything in the rings is input, and may change at any time: each number is read once. What the
// specification forbids is a RingFault, after which the queue is of no use until its next start.
// Owned by its device; no locking.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "kernel/dev/virtio/dma_memory.hpp"
#include "kernel/dev/virtio/queue/descriptor_chain.hpp"
#include "kernel/dev/virtio/queue/packed_ring.hpp"
#include "kernel/dev/virtio/queue/ring_fault.hpp"
#include "kernel/dev/virtio/queue/ring_parts.hpp"
#include "kernel/dev/virtio/queue/split_ring.hpp"

namespace cairn {

class VirtQueue {
  public:
    static constexpr std::uint32_t max_size = DescriptorChain::max_buffers;

    /// What the driver says of a queue before it is ready.
    struct Setup {
        std::uint32_t size = 0;
        GuestPhys descriptors;
        GuestPhys driver;
        GuestPhys device;
    };
    using Done = RingDone;
    using Answer = RingAnswer;

    VirtQueue() = default;
    VirtQueue(const VirtQueue&) = delete;
    VirtQueue& operator=(const VirtQueue&) = delete;

    [[nodiscard]] Setup& setup() { return setup_; }
    [[nodiscard]] bool is_ready() const { return ready_; }
    /// Makes it ready, from its first entry on, if all that `setup` says can be; `features` has its
    /// layout.
    [[nodiscard]] Done start(const DmaMemory& memory, std::uint64_t features);
    /// What was taken may not be given back any more.
    void stop() { ready_ = false; }
    /// The same, and nothing is set up.
    void reset();

    // While it is ready:

    /// Whether there is another chain that has not been taken, behind those that have `entries`.
    [[nodiscard]] Answer has_more_than(DmaTurn& turn, std::uint32_t entries);
    /// The next chain into `chain`; false where none is available.
    [[nodiscard]] Answer take(DmaTurn& turn, DescriptorChain& chain);
    /// The driver has `chain` again, `written` bytes of which, from its first writable one on, the
    /// device has written.
    [[nodiscard]] Done give_back(DmaTurn& turn, ChainToken chain, std::uint32_t written);
    /// The same in two steps, for several chains that the driver is to see at once: each is written
    /// down, and then all are shown.
    [[nodiscard]] Done write_used(DmaTurn& turn, ChainToken chain, std::uint32_t written);
    [[nodiscard]] Done show_used(DmaTurn& turn);
    /// The last chains that were taken, which have `entries` together, are as if they had not been.
    void put_back(std::uint32_t entries);
    /// Whether it was given back something since it was last asked whether it wants an interrupt.
    [[nodiscard]] bool has_given_back() const { return fresh_ != 0; }
    /// Whether the driver wants an interrupt for what it was given back since this was last asked.
    [[nodiscard]] Answer is_interrupt_due(DmaTurn& turn);
    /// Asks the driver to notify of the next chain; true where one is available already.
    [[nodiscard]] Answer await_more(DmaTurn& turn);

  private:
    [[nodiscard]] std::optional<RingFault> fault_of_setup(const DmaMemory& memory) const;

    Setup setup_;
    RingParts parts_;
    bool ready_ = false;
    bool awaits_ = false;  ///< the driver has been asked to notify of the next chain
    bool is_packed_ = false;
    std::uint32_t fresh_ = 0;  ///< entries given back since the driver's wish was last asked for
    SplitRing split_;          ///< one of the two
    PackedRing packed_;
};

}  // namespace cairn
