// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/driver_queue.hpp"

#include <atomic>
#include <utility>

namespace cairn {

using virtio_ring::Descriptor;
using virtio_ring::UsedElement;

std::string_view to_string(UsedFault fault) {
    switch (fault) {
        case UsedFault::index_jump: return "it has used more than it was given";
        case UsedFault::bad_id: return "it has used what it was not given";
        case UsedFault::too_long: return "it says that it has written more than there is room for";
    }
    std::unreachable();
}

void DriverQueue::start(std::uint32_t size) {
    memory_.fill(std::byte{0});
    entries_.fill({});
    size_ = free_ = size;
    in_flight_ = 0;
    first_free_ = available_ = used_ = 0;
    for (std::uint32_t n = 0; n < size; ++n)
        entries_[n].next = static_cast<std::uint16_t>(n + 1);
}

void DriverQueue::add(std::span<const Segment> segments, void* token) {
    const std::uint16_t head = first_free_;
    Entry& chain = entries_[head];
    chain.count = static_cast<std::uint16_t>(segments.size());
    chain.writable = 0;
    chain.token = token;
    std::uint16_t index = head;
    for (std::size_t n = 0; n < segments.size(); ++n) {
        const Segment& segment = segments[n];
        const bool last = n + 1 == segments.size();
        const std::uint16_t next = entries_[index].next;
        if (segment.writable) chain.writable += segment.size;
        in_memory<Descriptor>(virtio_ring::descriptor_at(index)) = {
            .address = segment.at.value,
            .length = segment.size,
            .flags = static_cast<std::uint16_t>((last ? 0 : virtio_ring::desc_next) |
                                                (segment.writable ? virtio_ring::desc_write : 0)),
            .next = last ? std::uint16_t{0} : next};
        index = next;
    }
    show(head, index, chain.count);
}

void DriverQueue::add_by_table(std::span<const Descriptor> table, std::uint64_t writable,
                               void* token) {
    const std::uint16_t head = first_free_;
    Entry& chain = entries_[head];
    chain.count = 1;
    chain.writable = writable;
    chain.token = token;
    in_memory<Descriptor>(virtio_ring::descriptor_at(head)) = {
        .address = reinterpret_cast<std::uintptr_t>(table.data()),
        .length = static_cast<std::uint32_t>(table.size_bytes()),
        .flags = virtio_ring::desc_indirect,
        .next = 0};
    show(head, chain.next, 1);
}

void DriverQueue::show(std::uint16_t head, std::uint16_t next_free, std::uint16_t descriptors) {
    first_free_ = next_free;
    free_ -= descriptors;
    ++in_flight_;
    const std::uint64_t area = virtio_ring::descriptor_at(size_);
    in_memory<std::uint16_t>(area + virtio_ring::avail_at(available_ & (size_ - 1))) = head;
    std::atomic_ref(in_memory<std::uint16_t>(area + virtio_ring::index_at))
        .store(++available_, std::memory_order_release);
}

/// Read after the device can see what was added: one of the two sees the other.
bool DriverQueue::wants_notification() const {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const auto flags =
        std::atomic_ref(in_memory<std::uint16_t>(used_begin() + virtio_ring::flags_at))
            .load(std::memory_order_relaxed);
    return (flags & virtio_ring::used_no_notify) == 0;
}

/// Before the used index is read: one of the two sees the other.
void DriverQueue::want_interrupts(bool wanted) {
    const std::uint64_t flags = virtio_ring::descriptor_at(size_) + virtio_ring::flags_at;
    std::atomic_ref(in_memory<std::uint16_t>(flags))
        .store(wanted ? 0 : virtio_ring::avail_no_interrupt, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

/// By the device's own word.
std::uint16_t DriverQueue::used_count() const {
    const auto index =
        std::atomic_ref(in_memory<std::uint16_t>(used_begin() + virtio_ring::index_at))
            .load(std::memory_order_acquire);
    return static_cast<std::uint16_t>(index - used_);
}

bool DriverQueue::has_used() const {
    return used_count() != 0;
}

DriverQueue::Answer DriverQueue::take_used() {
    const std::uint16_t count = used_count();
    if (count == 0) return std::nullopt;
    if (count > in_flight_) return std::unexpected(UsedFault::index_jump);
    const auto element =
        in_memory<const UsedElement>(used_begin() + virtio_ring::used_at(used_ & (size_ - 1)));
    if (element.id >= size_ || entries_[element.id].token == nullptr)
        return std::unexpected(UsedFault::bad_id);
    Entry& chain = entries_[element.id];
    if (element.length > chain.writable) return std::unexpected(UsedFault::too_long);
    ++used_;
    const Used used{std::exchange(chain.token, nullptr), element.length};
    give_back(static_cast<std::uint16_t>(element.id));
    return used;
}

std::optional<void*> DriverQueue::take_abandoned() {
    for (std::uint16_t head = 0; head < size_; ++head) {
        if (entries_[head].token == nullptr) continue;
        void* const token = std::exchange(entries_[head].token, nullptr);
        give_back(head);
        return token;
    }
    return std::nullopt;
}

/// By Cairn's own notes: what lies in the table is the device's to see, and may have changed.
void DriverQueue::give_back(std::uint16_t head) {
    const std::uint16_t count = entries_[head].count;
    std::uint16_t last = head;
    for (std::uint16_t n = 1; n < count; ++n)
        last = entries_[last].next;
    entries_[last].next = first_free_;
    first_free_ = head;
    free_ += count;
    --in_flight_;
}

}  // namespace cairn
