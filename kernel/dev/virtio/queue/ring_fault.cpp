// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/dev/virtio/queue/ring_fault.hpp"

#include <utility>

namespace cairn {

std::string_view to_string(RingFault fault) {
    switch (fault) {
        case RingFault::bad_size: return "a queue's size is none that it may have";
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

}  // namespace cairn
