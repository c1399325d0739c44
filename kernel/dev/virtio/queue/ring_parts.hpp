// SPDX-License-Identifier: MIT
// The parts of a queue, and how what both sides write to at any time is read and written: whole,
// and once.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>

#include "kernel/dev/virtio/dma_memory.hpp"
#include "kernel/dev/virtio/queue/ring_fault.hpp"

namespace cairn {

/// A part as the driver says it is: in bytes.
struct RingArea {
    GuestRange where;
    std::uint64_t alignment = 0;
};

/// What was negotiated of a queue, and where its parts lie.
struct RingParts {
    std::uint32_t size = 0;
    bool has_indirect = false;
    bool has_event_index = false;
    struct Areas {
        RingArea descriptors;
        RingArea driver;
        RingArea device;
    } areas;

    // Valid from `find` to the end of its turn:
    DmaPart descriptors;
    DmaPart driver;
    DmaPart device;

    void find(DmaTurn& turn) {
        if (!is_found || generation != turn.generation()) find_again(turn);
    }
    void find_again(DmaTurn& turn);

    std::uint64_t generation = 0;  ///< of the memory, when they were found
    bool is_found = false;         ///< each is one piece
};

/// All that is read of `part` behind this is what the other side wrote before, and more.
template <class T>
[[nodiscard]] std::expected<T, RingFault> load_shared(DmaTurn& turn, const DmaPart& part,
                                                      std::uint64_t offset) {
    T* const number = turn.find<T>(part, offset);
    if (number == nullptr) return std::unexpected(RingFault::no_memory);
    return std::atomic_ref(*number).load(std::memory_order_acquire);
}

/// Who sees it sees all that was written before.
template <class T>
[[nodiscard]] RingDone store_shared(DmaTurn& turn, const DmaPart& part, std::uint64_t offset,
                                    T value) {
    T* const number = turn.find<T>(part, offset);
    if (number == nullptr) return std::unexpected(RingFault::no_memory);
    std::atomic_ref(*number).store(value, std::memory_order_release);
    return {};
}

}  // namespace cairn
