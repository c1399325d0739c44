// SPDX-License-Identifier: MIT
// The driver's side of a split virtqueue (VIRTIO 1.2, section 2.7; layout in virtio_ring.hpp) of
// one of the machine's devices, in Cairn's own memory, where addresses are physical.
//
//     add ──► descriptors, avail.idx ──► device ──► used.idx ──► take_used
//
// What the device writes is input: each number is read once, and one that cannot be is a fault,
// after which the queue is of no use. Its parts lie as legacy devices want them, too (section
// 2.7.2). Owned by a driver, whose lock is held.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "kernel/arch/devices/virtio_ring.hpp"

namespace cairn {

/// What a device of the machine has done that no device may.
enum class UsedFault : std::uint8_t {
    index_jump,  ///< more is used than was made available
    bad_id,      ///< what is used is no chain that it has
    too_long,    ///< more is written than there is room for
};
/// One clause, without a full stop.
[[nodiscard]] std::string_view to_string(UsedFault fault);

class DriverQueue {
  public:
    static constexpr std::uint32_t max_size = 256;
    /// Of the parts that the device writes, and of the whole (section 2.7.2).
    static constexpr std::uint64_t legacy_alignment = virtio_ring::legacy_alignment;
    static constexpr std::uint64_t bytes =
        virtio_ring::legacy_used_begin(max_size) + virtio_ring::used_size(max_size);

    struct Segment {
        HostPhys at;
        std::uint32_t size;
        bool writable;  ///< by the device
    };
    struct Used {
        void* token;            ///< as given to `add`
        std::uint32_t written;  ///< bytes, from the first writable one on; at most as many
    };
    using Answer = std::expected<std::optional<Used>, UsedFault>;

    DriverQueue() = default;
    DriverQueue(const DriverQueue&) = delete;
    DriverQueue& operator=(const DriverQueue&) = delete;

    /// Empty, with `size` entries, a power of two up to `max_size`.
    void start(std::uint32_t size);

    [[nodiscard]] std::uint32_t size() const { return size_; }
    [[nodiscard]] HostPhys descriptors() const { return at(0); }
    [[nodiscard]] HostPhys driver_area() const { return at(virtio_ring::descriptor_at(size_)); }
    [[nodiscard]] HostPhys device_area() const { return at(used_begin()); }

    [[nodiscard]] bool has_room(std::size_t segments) const { return segments <= free_; }
    [[nodiscard]] std::uint32_t in_flight() const { return in_flight_; }
    /// Makes a chain available: readable segments first, one at least, for which there is room.
    /// `token` is not null. What lies there is the device's until it is used.
    void add(std::span<const Segment> segments, void* token);
    /// The same as one descriptor, of a table of them that is the device's as well, `writable`
    /// bytes of which it writes. The device has RING_INDIRECT_DESC.
    void add_by_table(std::span<const virtio_ring::Descriptor> table, std::uint64_t writable,
                      void* token);
    /// Whether the device wants to be told of what was added.
    [[nodiscard]] bool wants_notification() const;
    /// Whether the device is to interrupt for what it uses; it may do so even if not. What it has
    /// used before it knew, `take_used` gives.
    void want_interrupts(bool wanted);
    /// Whether the device has used what was not taken yet.
    [[nodiscard]] bool has_used() const;
    /// The next chain that the device has used, if any; its segments are the driver's again.
    [[nodiscard]] Answer take_used();
    /// The token of one that it has not used, once the device has been reset.
    [[nodiscard]] std::optional<void*> take_abandoned();

  private:
    struct Entry {
        std::uint16_t next = 0;      ///< in its chain, or of those that are free
        std::uint16_t count = 0;     ///< of its chain, at its head
        std::uint64_t writable = 0;  ///< bytes of its chain, at its head
        void* token = nullptr;       ///< at a head in flight
    };

    [[nodiscard]] std::uint64_t used_begin() const { return virtio_ring::legacy_used_begin(size_); }
    [[nodiscard]] HostPhys at(std::uint64_t offset) const {
        return {reinterpret_cast<std::uintptr_t>(memory_.data()) + offset};
    }
    template <class T>
    [[nodiscard]] T& in_memory(std::uint64_t offset) const {
        return *reinterpret_cast<T*>(at(offset).value);
    }
    [[nodiscard]] std::uint16_t used_count() const;
    void show(std::uint16_t head, std::uint16_t next_free, std::uint16_t descriptors);
    void give_back(std::uint16_t head);

    alignas(legacy_alignment) mutable std::array<std::byte, bytes> memory_{};
    std::array<Entry, max_size> entries_{};
    std::uint32_t size_ = 0;
    std::uint32_t free_ = 0;
    std::uint32_t in_flight_ = 0;
    std::uint16_t first_free_ = 0;
    std::uint16_t available_ = 0;
    std::uint16_t used_ = 0;
};

}  // namespace cairn
