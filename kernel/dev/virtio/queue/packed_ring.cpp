// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/queue/packed_ring.hpp"

#include <atomic>
#include <cstddef>
#include <utility>

#include "kernel/arch/devices/virtio_ring.hpp"
#include "kernel/dev/virtio/queue/descriptor_table.hpp"

namespace cairn {

using virtio_packed::Descriptor;

namespace {

std::uint64_t flags_at(std::uint32_t index) {
    return virtio_ring::descriptor_at(index) + offsetof(Descriptor, flags);
}

/// Of an event structure, read and written whole.
constexpr unsigned event_flags_at = 16;
constexpr std::uint32_t event_flags_mask = 3;

}  // namespace

/// Whether the driver has made the entry at `at` available.
RingAnswer PackedRing::is_available(DmaTurn& turn, const RingParts& ring, Position at) {
    const auto flags =
        load_shared<std::uint16_t>(turn, ring.descriptors, flags_at(at.index(ring.size)));
    if (!flags) return std::unexpected(flags.error());
    return (*flags & virtio_packed::state_bits) == virtio_packed::available_at(at, ring.size);
}

/// The entry behind `entries`, which whole chains have, begins another chain.
RingAnswer PackedRing::has_more_than(DmaTurn& turn, RingParts& ring, std::uint32_t entries) const {
    ring.find(turn);
    return is_available(turn, ring, next_.plus(entries, ring.size));
}

/// The flags of the first descriptor are the driver's last write, and so are read first, once.
RingAnswer PackedRing::take(DmaTurn& turn, RingParts& ring, DescriptorChain& chain) {
    ring.find(turn);
    const auto flags =
        load_shared<std::uint16_t>(turn, ring.descriptors, flags_at(next_.index(ring.size)));
    if (!flags) return std::unexpected(flags.error());
    if ((*flags & virtio_packed::state_bits) != virtio_packed::available_at(next_, ring.size))
        return false;
    if (const RingDone walked = walk(turn, ring, *flags, chain); !walked)
        return std::unexpected(walked.error());
    return true;
}

/// Sections 2.8.6 and 2.8.7: descriptors one after the other, or one that refers to a table.
RingDone PackedRing::walk(DmaTurn& turn, const RingParts& ring, std::uint16_t flags,
                          DescriptorChain& chain) {
    const DescriptorTable table(ring);
    const std::uint32_t room = ring.size - next_.since(used_, ring.size);
    if (room == 0) return std::unexpected(RingFault::index_jump);
    chain.begin({});
    for (std::uint32_t entries = 1; entries <= room; ++entries) {
        auto descriptor = table.load<Descriptor>(turn, next_.index(ring.size));
        if (!descriptor) return std::unexpected(descriptor.error());
        if (entries == 1) descriptor->flags = flags;
        const bool is_table = (descriptor->flags & virtio_ring::desc_indirect) != 0;
        if (is_table && entries != 1) return std::unexpected(RingFault::bad_indirect);
        const RingDone added = is_table
                                   ? walk_table(turn, ring, *descriptor, chain)
                                   : add_buffer(turn, {{descriptor->address}, descriptor->length},
                                                descriptor->flags, chain);
        if (!added) return added;
        next_ = next_.plus(1, ring.size);
        if ((descriptor->flags & virtio_ring::desc_next) == 0) {
            chain.name({descriptor->id, static_cast<std::uint16_t>(entries)});
            return {};
        }
    }
    return std::unexpected(RingFault::too_long);
}

/// All of it: of flags there, WRITE alone means something.
RingDone PackedRing::walk_table(DmaTurn& turn, const RingParts& ring, const Descriptor& descriptor,
                                DescriptorChain& chain) {
    const auto table = DescriptorTable::of(turn, ring, {{descriptor.address}, descriptor.length},
                                           descriptor.flags);
    if (!table) return std::unexpected(table.error());
    for (std::uint32_t n = 0; n < table->count(); ++n) {
        const auto each = table->load<Descriptor>(turn, n);
        if (!each) return std::unexpected(each.error());
        const RingDone added =
            add_buffer(turn, {{each->address}, each->length}, each->flags, chain);
        if (!added) return added;
    }
    return {};
}

/// The driver sees none behind one whose flags it does not see. No descriptor lies in two pieces of
/// RAM.
RingDone PackedRing::put(DmaTurn& turn, RingParts& ring, ChainToken chain, std::uint32_t written,
                         bool hides) {
    ring.find(turn);
    auto* const used =
        turn.find<Descriptor>(ring.descriptors, virtio_ring::descriptor_at(used_.index(ring.size)));
    if (used == nullptr) return std::unexpected(RingFault::no_memory);
    used->length = written;
    used->id = chain.id;
    const auto flags = static_cast<std::uint16_t>(virtio_packed::used_at(used_, ring.size) |
                                                  (written != 0 ? virtio_ring::desc_write : 0));
    if (hides) {
        hides_ = true;
        hidden_ = used_;
        hidden_flags_ = flags;
    } else {
        std::atomic_ref(used->flags).store(flags, std::memory_order_release);
    }
    used_ = used_.plus(chain.entries, ring.size);
    return {};
}

RingDone PackedRing::show_used(DmaTurn& turn, RingParts& ring) {
    if (!std::exchange(hides_, false)) return {};
    ring.find(turn);
    return store_shared(turn, ring.descriptors, flags_at(hidden_.index(ring.size)), hidden_flags_);
}

/// Section 2.8.10 "Driver and Device Event Suppression". A wish that means nothing is one for every
/// interrupt.
RingAnswer PackedRing::wants_interrupt(DmaTurn& turn, RingParts& ring,
                                       std::uint32_t entries) const {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    ring.find(turn);
    const auto wish = load_shared<std::uint32_t>(turn, ring.driver, 0);
    if (!wish) return std::unexpected(wish.error());
    const std::uint32_t flags = *wish >> event_flags_at & event_flags_mask;
    if (flags == virtio_packed::event_flag_disable) return false;
    const auto event = static_cast<std::uint16_t>(*wish);
    if (flags != virtio_packed::event_flag_desc || !ring.has_event_index ||
        !Position::is_one(event, ring.size))
        return true;
    const std::uint32_t passed = used_.since(Position::of(event, ring.size), ring.size);
    return passed != 0 ? passed <= entries : entries >= 2 * ring.size;
}

RingAnswer PackedRing::await_more(DmaTurn& turn, RingParts& ring, bool asks) const {
    ring.find(turn);
    if (asks) {
        const std::uint32_t wish = ring.has_event_index
                                       ? next_.off_wrap(ring.size) | virtio_packed::event_flag_desc
                                                                         << event_flags_at
                                       : virtio_packed::event_flag_enable << event_flags_at;
        if (const RingDone asked = store_shared(turn, ring.device, 0, wish); !asked)
            return std::unexpected(asked.error());
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    return is_available(turn, ring, next_);
}

}  // namespace cairn
