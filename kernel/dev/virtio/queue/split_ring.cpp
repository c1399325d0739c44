// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/queue/split_ring.hpp"

#include <atomic>

#include "kernel/dev/virtio/queue/descriptor_table.hpp"

namespace cairn {

using virtio_ring::Descriptor;

std::expected<std::uint16_t, RingFault> SplitRing::available(DmaTurn& turn,
                                                             const RingParts& ring) const {
    const auto index = load_shared<std::uint16_t>(turn, ring.driver, virtio_ring::index_at);
    if (!index) return index;
    const auto count = static_cast<std::uint16_t>(*index - next_);
    if (count > ring.size) return std::unexpected(RingFault::index_jump);
    return count;
}

RingAnswer SplitRing::has_more_than(DmaTurn& turn, RingParts& ring, std::uint32_t entries) const {
    ring.find(turn);
    const auto count = available(turn, ring);
    if (!count) return std::unexpected(count.error());
    return *count > entries;
}

RingAnswer SplitRing::take(DmaTurn& turn, RingParts& ring, DescriptorChain& chain) {
    ring.find(turn);
    const auto count = available(turn, ring);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return false;
    const std::uint64_t at = virtio_ring::avail_at(next_ & (ring.size - 1));
    const auto head = load_shared<std::uint16_t>(turn, ring.driver, at);
    if (!head) return std::unexpected(head.error());
    if (*head >= ring.size) return std::unexpected(RingFault::bad_head);
    ++next_;
    chain.begin({.id = *head, .entries = 1});
    if (const RingDone walked = walk(turn, ring, chain); !walked)
        return std::unexpected(walked.error());
    return true;
}

/// Section 2.7.5.3: normal descriptors, the last of which may refer to a table with more.
RingDone SplitRing::walk(DmaTurn& turn, const RingParts& ring, DescriptorChain& chain) {
    DescriptorTable table(ring);
    bool is_indirect = false;
    std::uint32_t index = chain.token().id;
    for (std::uint32_t left = table.count(); left != 0; --left) {
        const auto descriptor = table.load<Descriptor>(turn, index);
        if (!descriptor) return std::unexpected(descriptor.error());
        const GuestRange where{{descriptor->address}, descriptor->length};
        if ((descriptor->flags & virtio_ring::desc_indirect) != 0) {
            if (is_indirect) return std::unexpected(RingFault::bad_indirect);
            const auto indirect = DescriptorTable::of(turn, ring, where, descriptor->flags);
            if (!indirect) return std::unexpected(indirect.error());
            table = *indirect;
            is_indirect = true;
            index = 0;
            left = table.count() + 1;  // none of these has been seen
            continue;
        }
        if (const RingDone added = add_buffer(turn, where, descriptor->flags, chain); !added)
            return added;
        if ((descriptor->flags & virtio_ring::desc_next) == 0) return {};
        index = descriptor->next;
        if (index >= table.count()) return std::unexpected(RingFault::bad_next);
    }
    return std::unexpected(RingFault::too_long);
}

RingDone SplitRing::write_used(DmaTurn& turn, RingParts& ring, ChainToken chain,
                               std::uint32_t written) {
    ring.find(turn);
    const virtio_ring::UsedElement element{.id = chain.id, .length = written};
    const std::uint64_t at = virtio_ring::used_at(used_ & (ring.size - 1));
    if (!turn.store(ring.device, at, element)) return std::unexpected(RingFault::no_memory);
    ++used_;
    return {};
}

RingDone SplitRing::give_back(DmaTurn& turn, RingParts& ring, ChainToken chain,
                              std::uint32_t written) {
    const RingDone done = write_used(turn, ring, chain, written);
    return done ? show_used(turn, ring) : done;
}

RingDone SplitRing::show_used(DmaTurn& turn, RingParts& ring) {
    ring.find(turn);
    return store_shared(turn, ring.device, virtio_ring::index_at, used_);
}

/// Section 2.7.7 "Used Buffer Notification Suppression".
RingAnswer SplitRing::wants_interrupt(DmaTurn& turn, RingParts& ring, std::uint32_t entries) const {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    ring.find(turn);
    if (ring.has_event_index) {
        const auto event =
            load_shared<std::uint16_t>(turn, ring.driver, virtio_ring::used_event_at(ring.size));
        if (!event) return std::unexpected(event.error());
        return virtio_ring::passes(*event, used_, static_cast<std::uint16_t>(used_ - entries));
    }
    const auto flags = load_shared<std::uint16_t>(turn, ring.driver, virtio_ring::flags_at);
    if (!flags) return std::unexpected(flags.error());
    return (*flags & virtio_ring::avail_no_interrupt) == 0;
}

/// Section 2.7.10 "Available Buffer Notification Suppression". Without event index drivers notify
/// of every chain.
RingAnswer SplitRing::await_more(DmaTurn& turn, RingParts& ring, bool asks) const {
    ring.find(turn);
    if (asks && ring.has_event_index) {
        const RingDone asked =
            store_shared(turn, ring.device, virtio_ring::avail_event_at(ring.size), next_);
        if (!asked) return std::unexpected(asked.error());
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    const auto count = available(turn, ring);
    if (!count) return std::unexpected(count.error());
    return *count != 0;
}

}  // namespace cairn
