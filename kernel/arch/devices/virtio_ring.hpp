// SPDX-License-Identifier: MIT
// The three parts of a split virtqueue of `size` entries, as they lie in the driver's memory. All
// numbers are little-endian.
//
//     descriptor table   16 bytes each: address, length, flags, next
//     driver area        flags  idx  ring[size]        used_event
//     device area        flags  idx  ring[size] of 8   avail_event
//
// Source: OASIS Virtual I/O Device (VIRTIO) Version 1.2, section 2.7 "Split Virtqueues".
// tests/checks compares the rows with Linux's headers.
#pragma once

#include <cstdint>

namespace cairn::virtio_ring {

/// Section 2.7.5 "The Virtqueue Descriptor Table".
struct Descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags;
    std::uint16_t next;
};
static_assert(sizeof(Descriptor) == 16);

/// Section 2.7.8 "The Virtqueue Used Ring".
struct UsedElement {
    std::uint32_t id;      ///< the chain's first descriptor
    std::uint32_t length;  ///< bytes written, from the first writable one on
};
static_assert(sizeof(UsedElement) == 8);

// X(name, value, title): flags of descriptors, then of the two rings.
#define CAIRN_VIRTIO_RING_FLAGS(X)                                     \
    X(desc_next, 1, "the buffer goes on at next")                      \
    X(desc_write, 2, "the buffer is device write-only")                \
    X(desc_indirect, 4, "the buffer contains a list of descriptors")   \
    X(avail_no_interrupt, 1, "no interrupt when buffers are consumed") \
    X(used_no_notify, 1, "no notification when buffers are added")

#define CAIRN_ROW(name, value, title) inline constexpr std::uint16_t name = (value);
CAIRN_VIRTIO_RING_FLAGS(CAIRN_ROW)
#undef CAIRN_ROW

/// Section 2.7: alignment of the three parts.
inline constexpr std::uint64_t descriptor_alignment = 16;
inline constexpr std::uint64_t avail_alignment = 2;
inline constexpr std::uint64_t used_alignment = 4;

/// Section 2.7.5: the buffers of a chain have no more bytes together.
inline constexpr std::uint64_t most_bytes = std::uint64_t{1} << 32;

// Offsets, in bytes. Both rings begin alike.
inline constexpr std::uint64_t flags_at = 0;
inline constexpr std::uint64_t index_at = 2;
inline constexpr std::uint64_t ring_at = 4;

[[nodiscard]] constexpr std::uint64_t descriptor_at(std::uint32_t index) {
    return std::uint64_t{index} * sizeof(Descriptor);
}
[[nodiscard]] constexpr std::uint64_t avail_at(std::uint32_t entry) {
    return ring_at + std::uint64_t{entry} * 2;
}
[[nodiscard]] constexpr std::uint64_t used_at(std::uint32_t entry) {
    return ring_at + std::uint64_t{entry} * sizeof(UsedElement);
}
/// Behind the entries: used_event in the driver's area, avail_event in the device's.
[[nodiscard]] constexpr std::uint64_t used_event_at(std::uint32_t size) {
    return avail_at(size);
}
[[nodiscard]] constexpr std::uint64_t avail_event_at(std::uint32_t size) {
    return used_at(size);
}
/// Bytes of the two areas.
[[nodiscard]] constexpr std::uint64_t avail_size(std::uint32_t size) {
    return used_event_at(size) + 2;
}
[[nodiscard]] constexpr std::uint64_t used_size(std::uint32_t size) {
    return avail_event_at(size) + 2;
}

/// Section 2.7.2: where the device's area is that a legacy device finds by the first one.
inline constexpr std::uint64_t legacy_alignment = 4096;
[[nodiscard]] constexpr std::uint64_t legacy_used_begin(std::uint32_t size) {
    const std::uint64_t before = descriptor_at(size) + avail_size(size);
    return (before + legacy_alignment - 1) & ~(legacy_alignment - 1);
}
static_assert(legacy_used_begin(128) == 4096 && legacy_used_begin(256) == 8192);

/// Whether whoever wants to be told when an index passes `event` is told of its way from `before`
/// to `now` (section 2.7.10 "Available Buffer Notification Suppression", vring_need_event).
[[nodiscard]] constexpr bool passes(std::uint16_t event, std::uint16_t now, std::uint16_t before) {
    return static_cast<std::uint16_t>(now - event - 1) < static_cast<std::uint16_t>(now - before);
}
static_assert(passes(0, 1, 0) && !passes(1, 1, 0) && passes(0xffff, 0, 0xffff));

}  // namespace cairn::virtio_ring
