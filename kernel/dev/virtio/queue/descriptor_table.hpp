// SPDX-License-Identifier: MIT
// Descriptors, and the tables that they may refer to, copied out of the driver's memory into a
// chain and checked: what both layouts of a queue have in common.
#pragma once

#include <cstdint>
#include <expected>

#include "kernel/arch/devices/virtio_ring.hpp"
#include "kernel/dev/virtio/queue/descriptor_chain.hpp"
#include "kernel/dev/virtio/queue/ring_parts.hpp"

namespace cairn {

/// A table of descriptors of either layout: the queue's own, or an indirect one.
class DescriptorTable {
  public:
    explicit DescriptorTable(const RingParts& ring) : part_(ring.descriptors), count_(ring.size) {}

    /// Of the queue `ring`, what a descriptor with these fields refers to (section 2.7.5.3). It has
    /// no more descriptors than the queue, and none follows the one that refers to it.
    [[nodiscard]] static std::expected<DescriptorTable, RingFault> of(DmaTurn& turn,
                                                                      const RingParts& ring,
                                                                      GuestRange where,
                                                                      std::uint16_t flags) {
        const auto count = static_cast<std::uint32_t>(where.size / descriptor_size);
        if (!ring.has_indirect || (flags & virtio_ring::desc_next) != 0 || count == 0 ||
            count > ring.size || where.size % descriptor_size != 0)
            return std::unexpected(RingFault::bad_indirect);
        if (!turn.holds(where)) return std::unexpected(RingFault::outside_ram);
        return DescriptorTable(turn.find_part(where, alignof(virtio_ring::Descriptor)), count);
    }

    [[nodiscard]] std::uint32_t count() const { return count_; }
    /// Descriptor `index`, below `count`, of 16 bytes.
    template <class Descriptor>
    [[nodiscard]] std::expected<Descriptor, RingFault> load(DmaTurn& turn,
                                                            std::uint32_t index) const {
        static_assert(sizeof(Descriptor) == descriptor_size);
        turn.charge(descriptor_cost);
        Descriptor descriptor{};
        if (!turn.load(part_, std::uint64_t{index} * descriptor_size, descriptor))
            return std::unexpected(RingFault::no_memory);
        return descriptor;
    }

  private:
    static constexpr std::uint32_t descriptor_size = 16;
    /// What looking at a descriptor costs a turn: as many instructions as copying so many bytes.
    static constexpr std::uint64_t descriptor_cost = 256;

    DescriptorTable(DmaPart part, std::uint32_t count) : part_(part), count_(count) {}

    DmaPart part_;
    std::uint32_t count_;
};

/// Adds what a descriptor with these fields refers to.
[[nodiscard]] RingDone add_buffer(const DmaTurn& turn, GuestRange buffer, std::uint16_t flags,
                                  DescriptorChain& chain);

}  // namespace cairn
