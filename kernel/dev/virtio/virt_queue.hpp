// SPDX-License-Identifier: MIT
// The device's side of a split virtqueue (VIRTIO 1.2, section 2.7; layout in virtio_ring.hpp), over
// a guest's memory.
//
//     driver   avail.idx ──► take ──► DescriptorChain      give_back ──► used.idx   driver
//
// Everything in the rings is input, and may change at any time: each number is read once. What the
// specification forbids is a RingFault, after which the queue is of no use until its next start.
// Owned by its device; no locking.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "kernel/dev/virtio/descriptor_chain.hpp"
#include "kernel/dev/virtio/dma_memory.hpp"

namespace cairn {

/// What a driver has done wrong.
enum class RingFault : std::uint8_t {
    bad_size,        ///< no power of two up to the most
    misaligned,      ///< a part of the ring
    outside_ram,     ///< a part of the ring, a buffer or a table of descriptors
    index_jump,      ///< more is available than the queue has entries
    bad_head,        ///< a chain begins at a descriptor that there is not
    bad_next,        ///< or goes on there
    too_long,        ///< a loop, or more descriptors than the queue has entries
    too_many_bytes,  ///< more than 2^32 in a chain
    wrong_order,     ///< a buffer to be read behind one to be written
    bad_indirect,    ///< not negotiated, of no whole descriptors, nested, or going on behind it
    too_short,       ///< a request without its header or its status
    no_memory,       ///< Cairn's fault: there are no page tables for the guest's RAM
};

/// One clause, without a full stop.
[[nodiscard]] std::string_view to_string(RingFault fault);

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
    using Done = std::expected<void, RingFault>;
    using Answer = std::expected<bool, RingFault>;
    using Number = std::expected<std::uint16_t, RingFault>;

    VirtQueue() = default;
    VirtQueue(const VirtQueue&) = delete;
    VirtQueue& operator=(const VirtQueue&) = delete;

    [[nodiscard]] Setup& setup() { return setup_; }
    [[nodiscard]] bool is_ready() const { return ready_; }
    /// Makes it ready, from index 0 on, if all that `setup` says can be.
    [[nodiscard]] Done start(const DmaMemory& memory, std::uint64_t features);
    /// What was taken may not be given back any more.
    void stop() { ready_ = false; }
    /// The same, and nothing is set up.
    void reset();

    // While it is ready:

    /// How many chains there are that have not been taken.
    [[nodiscard]] Number available(DmaTurn& turn);
    /// The next chain into `chain`; false where none is available.
    [[nodiscard]] Answer take(DmaTurn& turn, DescriptorChain& chain);
    /// The driver has chain `head` again, `written` bytes of which, from its first writable one on,
    /// the device has written.
    [[nodiscard]] Done give_back(DmaTurn& turn, std::uint16_t head, std::uint32_t written);
    /// The same in two steps, for several chains that the driver is to see at once: each is written
    /// down, and then all are shown.
    [[nodiscard]] Done write_used(DmaTurn& turn, std::uint16_t head, std::uint32_t written);
    [[nodiscard]] Done show_used(DmaTurn& turn);
    /// The last `chains` that were taken are as if they had not been.
    void put_back(std::uint16_t chains) {
        next_ = static_cast<std::uint16_t>(next_ - chains);
        awaits_ = false;
    }
    /// Whether it was given back something since it was last asked whether it wants an interrupt.
    [[nodiscard]] bool has_given_back() const { return used_ != signalled_; }
    /// Whether the driver wants an interrupt for what it was given back since this was last asked.
    [[nodiscard]] Answer is_interrupt_due(DmaTurn& turn);
    /// Asks the driver to notify of the next chain; true where one is available already.
    [[nodiscard]] Answer await_more(DmaTurn& turn);

  private:
    [[nodiscard]] std::optional<RingFault> fault_of_setup(const DmaMemory& memory) const;
    void find_parts(DmaTurn& turn) {
        if (!is_found_ || generation_ != turn.generation()) find_parts_again(turn);
    }
    void find_parts_again(DmaTurn& turn);
    [[nodiscard]] static Number load(DmaTurn& turn, const DmaPart& part, std::uint64_t offset);
    [[nodiscard]] static Done store(DmaTurn& turn, const DmaPart& part, std::uint64_t offset,
                                    std::uint16_t value);
    [[nodiscard]] Done walk(DmaTurn& turn, DescriptorChain& chain) const;

    Setup setup_;
    // Where the parts lie, as it was at this generation of the memory's:
    DmaPart descriptors_;
    DmaPart driver_;
    DmaPart device_;
    std::uint64_t generation_ = 0;
    bool is_found_ = false;  ///< each is one piece
    bool ready_ = false;
    bool awaits_ = false;  ///< the driver has been asked to notify of chain `next_`
    bool has_indirect_ = false;
    bool has_event_index_ = false;
    std::uint16_t next_ = 0;       ///< of the driver's ring
    std::uint16_t used_ = 0;       ///< of the device's ring
    std::uint16_t signalled_ = 0;  ///< `used_` when the driver's wish was last asked for
};

}  // namespace cairn
