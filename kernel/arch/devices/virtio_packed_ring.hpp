// SPDX-License-Identifier: MIT
// A packed virtqueue of `size` entries, as it lies in the driver's memory: descriptors that both
// sides write to, and for each side a structure that says when it is to be told. All numbers are
// little-endian.
//
//     descriptor ring   16 bytes each: address, length, id, flags
//     driver area       of the driver's wish: off_wrap  flags
//     device area       of the device's wish: off_wrap  flags
//
// Both sides go around the ring. A wrap counter of one bit, 1 in the first lap, says which lap it
// is: an entry is available where its AVAIL is the counter and its USED is not, and used where both
// are. What both layouts share is in virtio_ring.hpp.
//
// Source: OASIS Virtual I/O Device (VIRTIO) Version 1.2, section 2.8 "Packed Virtqueues".
// tests/checks compares the rows with Linux's headers.
#pragma once

#include <cstdint>

namespace cairn::virtio_packed {

/// Section 2.8.13 "The Virtqueue Descriptor Format".
struct Descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t id;  ///< of the chain, in its last descriptor
    std::uint16_t flags;
};
static_assert(sizeof(Descriptor) == 16);

// X(name, value, title): bits of flags and of off_wrap, and what the flags of a wish may be.
#define CAIRN_VIRTIO_PACKED_RING(X)                                       \
    X(desc_f_avail, 7, "bit: the driver's wrap counter, when available")  \
    X(desc_f_used, 15, "bit: the other value, or when used the device's") \
    X(event_flag_enable, 0, "tell of everything")                         \
    X(event_flag_disable, 1, "tell of nothing")                           \
    X(event_flag_desc, 2, "tell when off_wrap is passed")                 \
    X(event_f_wrap_ctr, 15, "bit of off_wrap: the wrap counter")

#define CAIRN_ROW(name, value, title) inline constexpr unsigned name = (value);
CAIRN_VIRTIO_PACKED_RING(CAIRN_ROW)
#undef CAIRN_ROW

inline constexpr std::uint16_t avail_bit = 1u << desc_f_avail;
inline constexpr std::uint16_t used_bit = 1u << desc_f_used;
inline constexpr std::uint16_t wrap_bit = 1u << event_f_wrap_ctr;

/// Section 2.8.10.1: of the descriptor ring it is as in virtio_ring.hpp.
inline constexpr std::uint64_t event_alignment = 4;
inline constexpr std::uint64_t event_size = 4;

/// Where in the ring, and in which of two laps: the wrap counter is 1 in the first.
struct Position {
    std::uint32_t value = 0;  ///< below twice the size

    friend constexpr bool operator==(Position, Position) = default;
    [[nodiscard]] constexpr bool wrap(std::uint32_t size) const { return value < size; }
    [[nodiscard]] constexpr std::uint32_t index(std::uint32_t size) const {
        return value < size ? value : value - size;
    }
    /// `entries` further, `size` at most.
    [[nodiscard]] constexpr Position plus(std::uint32_t entries, std::uint32_t size) const {
        const std::uint32_t sum = value + entries;
        return {sum < 2 * size ? sum : sum - 2 * size};
    }
    /// `entries` back, `size` at most.
    [[nodiscard]] constexpr Position minus(std::uint32_t entries, std::uint32_t size) const {
        return {value >= entries ? value - entries : value + 2 * size - entries};
    }
    /// From `from` to here: less than two laps.
    [[nodiscard]] constexpr std::uint32_t since(Position from, std::uint32_t size) const {
        return value >= from.value ? value - from.value : value + 2 * size - from.value;
    }

    /// As an event has it.
    [[nodiscard]] constexpr std::uint16_t off_wrap(std::uint32_t size) const {
        return static_cast<std::uint16_t>(index(size) | (wrap(size) ? wrap_bit : 0));
    }
    /// Which an event means, if there is such an entry.
    [[nodiscard]] static constexpr bool is_one(std::uint16_t off_wrap, std::uint32_t size) {
        return (off_wrap & ~std::uint32_t{wrap_bit}) < size;
    }
    [[nodiscard]] static constexpr Position of(std::uint16_t off_wrap, std::uint32_t size) {
        const std::uint32_t index = off_wrap & ~std::uint32_t{wrap_bit};
        return {(off_wrap & wrap_bit) != 0 ? index : index + size};
    }
};
static_assert(Position{2}.plus(1, 3) == Position{3} && Position{5}.plus(1, 3) == Position{0});
static_assert(Position{0}.minus(2, 3) == Position{4} && Position{1}.since({4}, 3) == 3);
static_assert(Position::of(Position{4}.off_wrap(3), 3) == Position{4});

/// The flags of an available and of a used descriptor at `at`, of those that say so.
inline constexpr std::uint16_t state_bits = avail_bit | used_bit;
[[nodiscard]] constexpr std::uint16_t available_at(Position at, std::uint32_t size) {
    return at.wrap(size) ? avail_bit : used_bit;
}
[[nodiscard]] constexpr std::uint16_t used_at(Position at, std::uint32_t size) {
    return at.wrap(size) ? state_bits : std::uint16_t{0};
}

}  // namespace cairn::virtio_packed
