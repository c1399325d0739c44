// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virt_queue.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <utility>

#include <cairn/bits.hpp>
#include "kernel/arch/devices/virtio_device.hpp"
#include "kernel/arch/devices/virtio_ring.hpp"

namespace cairn {
namespace {

using virtio_ring::Descriptor;

/// What looking at a descriptor costs a turn: as many instructions as copying so many bytes.
constexpr std::uint64_t descriptor_cost = 256;

bool is_set(const Descriptor& descriptor, std::uint16_t flag) {
    return (descriptor.flags & flag) != 0;
}

/// A table of descriptors: the queue's own, or an indirect one.
struct Table {
    DmaPart part;
    std::uint32_t count;

    /// Where `descriptor` refers to one of `most` at most.
    static std::expected<Table, RingFault> of(const Descriptor& descriptor, std::uint32_t most,
                                              DmaTurn& turn) {
        const std::uint32_t count = descriptor.length / sizeof(Descriptor);
        if (is_set(descriptor, virtio_ring::desc_next) || count == 0 || count > most ||
            descriptor.length % sizeof(Descriptor) != 0)
            return std::unexpected(RingFault::bad_indirect);
        const GuestRange range{{descriptor.address}, descriptor.length};
        if (!turn.holds(range)) return std::unexpected(RingFault::outside_ram);
        return Table{turn.find_part(range, alignof(Descriptor)), count};
    }
};

std::expected<Descriptor, RingFault> load_descriptor(DmaTurn& turn, const Table& table,
                                                     std::uint32_t index) {
    turn.charge(descriptor_cost);
    Descriptor descriptor{};
    if (!turn.load(table.part, virtio_ring::descriptor_at(index), descriptor))
        return std::unexpected(RingFault::no_memory);
    return descriptor;
}

VirtQueue::Done add_buffer(const DmaTurn& turn, const Descriptor& descriptor,
                           DescriptorChain& chain) {
    if (descriptor.length == 0) return {};
    const GuestRange buffer{{descriptor.address}, descriptor.length};
    if (!turn.holds(buffer)) return std::unexpected(RingFault::outside_ram);
    if (chain.bytes() + buffer.size > virtio_ring::most_bytes)
        return std::unexpected(RingFault::too_many_bytes);
    const bool writable = is_set(descriptor, virtio_ring::desc_write);
    if (!writable && chain.has_writable()) return std::unexpected(RingFault::wrong_order);
    if (!chain.add(buffer, writable)) return std::unexpected(RingFault::too_long);
    return {};
}

}  // namespace

std::string_view to_string(RingFault fault) {
    switch (fault) {
        case RingFault::bad_size: return "a queue's size is no power of two up to the most";
        case RingFault::misaligned: return "a part of a queue is not aligned";
        case RingFault::outside_ram: return "a queue, or a buffer in it, lies outside RAM";
        case RingFault::index_jump: return "more is available than the queue has entries";
        case RingFault::bad_head: return "a chain begins at a descriptor that there is not";
        case RingFault::bad_next: return "a chain goes on at a descriptor that there is not";
        case RingFault::too_long: return "a chain loops, or is longer than the queue";
        case RingFault::too_many_bytes: return "a chain has more than 2^32 bytes";
        case RingFault::wrong_order: return "a readable buffer comes behind a writable one";
        case RingFault::bad_indirect: return "a table of descriptors is not what it may be";
        case RingFault::too_short: return "a request is too short for its header or its status";
        case RingFault::no_memory: return "there is no memory for the guest's page tables";
    }
    std::unreachable();
}

std::optional<RingFault> VirtQueue::fault_of_setup(const DmaMemory& memory) const {
    const std::uint32_t size = setup_.size;
    if (size == 0 || size > max_size || !std::has_single_bit(size)) return RingFault::bad_size;
    if (!is_aligned(setup_.descriptors.value, virtio_ring::descriptor_alignment) ||
        !is_aligned(setup_.driver.value, virtio_ring::avail_alignment) ||
        !is_aligned(setup_.device.value, virtio_ring::used_alignment))
        return RingFault::misaligned;
    if (!memory.holds({setup_.descriptors, virtio_ring::descriptor_at(size)}) ||
        !memory.holds({setup_.driver, virtio_ring::avail_size(size)}) ||
        !memory.holds({setup_.device, virtio_ring::used_size(size)}))
        return RingFault::outside_ram;
    return std::nullopt;
}

VirtQueue::Done VirtQueue::start(const DmaMemory& memory, std::uint64_t features) {
    if (const auto fault = fault_of_setup(memory)) return std::unexpected(*fault);
    has_indirect_ = (features & virtio::feature::ring_indirect_desc) != 0;
    has_event_index_ = (features & virtio::feature::ring_event_idx) != 0;
    next_ = used_ = signalled_ = 0;
    is_found_ = awaits_ = false;
    ready_ = true;
    return {};
}

void VirtQueue::reset() {
    setup_ = {};
    ready_ = false;
}

/// What is not found is looked for at each access, which may make it ready.
void VirtQueue::find_parts_again(DmaTurn& turn) {
    const std::uint32_t size = setup_.size;
    descriptors_ = turn.find_part({setup_.descriptors, virtio_ring::descriptor_at(size)},
                                  virtio_ring::descriptor_alignment);
    driver_ = turn.find_part({setup_.driver, virtio_ring::avail_size(size)},
                             virtio_ring::avail_alignment);
    device_ =
        turn.find_part({setup_.device, virtio_ring::used_size(size)}, virtio_ring::used_alignment);
    is_found_ =
        descriptors_.bytes != nullptr && driver_.bytes != nullptr && device_.bytes != nullptr;
    generation_ = turn.generation();
}

VirtQueue::Number VirtQueue::load(DmaTurn& turn, const DmaPart& part, std::uint64_t offset) {
    auto* const number = turn.find<std::uint16_t>(part, offset);
    if (number == nullptr) return std::unexpected(RingFault::no_memory);
    return std::atomic_ref(*number).load(std::memory_order_acquire);
}

VirtQueue::Done VirtQueue::store(DmaTurn& turn, const DmaPart& part, std::uint64_t offset,
                                 std::uint16_t value) {
    auto* const number = turn.find<std::uint16_t>(part, offset);
    if (number == nullptr) return std::unexpected(RingFault::no_memory);
    std::atomic_ref(*number).store(value, std::memory_order_release);
    return {};
}

VirtQueue::Number VirtQueue::available(DmaTurn& turn) {
    find_parts(turn);
    const auto index = load(turn, driver_, virtio_ring::index_at);
    if (!index) return index;
    const auto count = static_cast<std::uint16_t>(*index - next_);
    if (count > setup_.size) return std::unexpected(RingFault::index_jump);
    return count;
}

VirtQueue::Answer VirtQueue::take(DmaTurn& turn, DescriptorChain& chain) {
    const auto count = available(turn);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return false;
    const std::uint32_t entry = next_ & (setup_.size - 1);
    const auto head = load(turn, driver_, virtio_ring::avail_at(entry));
    if (!head) return std::unexpected(head.error());
    if (*head >= setup_.size) return std::unexpected(RingFault::bad_head);
    ++next_;
    awaits_ = false;
    chain.begin(*head);
    if (const Done walked = walk(turn, chain); !walked) return std::unexpected(walked.error());
    return true;
}

/// Section 2.7.5.3: normal descriptors, the last of which may refer to a table with more.
VirtQueue::Done VirtQueue::walk(DmaTurn& turn, DescriptorChain& chain) const {
    Table table{descriptors_, setup_.size};
    bool is_indirect = false;
    std::uint32_t index = chain.head();
    for (std::uint32_t left = table.count; left != 0; --left) {
        const auto descriptor = load_descriptor(turn, table, index);
        if (!descriptor) return std::unexpected(descriptor.error());
        if (is_set(*descriptor, virtio_ring::desc_indirect)) {
            if (!has_indirect_ || is_indirect) return std::unexpected(RingFault::bad_indirect);
            const auto indirect = Table::of(*descriptor, setup_.size, turn);
            if (!indirect) return std::unexpected(indirect.error());
            table = *indirect;
            is_indirect = true;
            index = 0;
            left = table.count + 1;  // none of these has been seen
            continue;
        }
        if (const Done added = add_buffer(turn, *descriptor, chain); !added) return added;
        if (!is_set(*descriptor, virtio_ring::desc_next)) return {};
        index = descriptor->next;
        if (index >= table.count) return std::unexpected(RingFault::bad_next);
    }
    return std::unexpected(RingFault::too_long);
}

VirtQueue::Done VirtQueue::give_back(DmaTurn& turn, std::uint16_t head, std::uint32_t written) {
    const Done done = write_used(turn, head, written);
    return done ? show_used(turn) : done;
}

VirtQueue::Done VirtQueue::write_used(DmaTurn& turn, std::uint16_t head, std::uint32_t written) {
    const virtio_ring::UsedElement element{.id = head, .length = written};
    const std::uint32_t entry = used_ & (setup_.size - 1);
    find_parts(turn);
    if (!turn.store(device_, virtio_ring::used_at(entry), element))
        return std::unexpected(RingFault::no_memory);
    ++used_;
    return {};
}

VirtQueue::Done VirtQueue::show_used(DmaTurn& turn) {
    find_parts(turn);
    return store(turn, device_, virtio_ring::index_at, used_);
}

/// Section 2.7.7 "Used Buffer Notification Suppression". What the driver wishes is read after it
/// can see what it was given: one of the two sees the other.
VirtQueue::Answer VirtQueue::is_interrupt_due(DmaTurn& turn) {
    const std::uint16_t before = std::exchange(signalled_, used_);
    if (before == used_) return false;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    find_parts(turn);
    if (has_event_index_) {
        const auto event = load(turn, driver_, virtio_ring::used_event_at(setup_.size));
        if (!event) return std::unexpected(event.error());
        return virtio_ring::passes(*event, used_, before);
    }
    const auto flags = load(turn, driver_, virtio_ring::flags_at);
    if (!flags) return std::unexpected(flags.error());
    return (*flags & virtio_ring::avail_no_interrupt) == 0;
}

/// Section 2.7.10 "Available Buffer Notification Suppression". Without event index drivers notify
/// of every chain.
VirtQueue::Answer VirtQueue::await_more(DmaTurn& turn) {
    if (has_event_index_ && !awaits_) {
        find_parts(turn);
        const std::uint64_t event = virtio_ring::avail_event_at(setup_.size);
        if (const Done stored = store(turn, device_, event, next_); !stored)
            return std::unexpected(stored.error());
        std::atomic_thread_fence(std::memory_order_seq_cst);
        awaits_ = true;
    }
    const auto count = available(turn);
    if (!count) return std::unexpected(count.error());
    return *count != 0;
}

}  // namespace cairn
