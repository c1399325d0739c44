// SPDX-License-Identifier: MIT
// What a driver does in its queues that the specification forbids (VIRTIO 1.2, sections 2.7 and
// 2.8), and the answers of what reads them.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace cairn {

/// What a driver has done wrong.
enum class RingFault : std::uint8_t {
    bad_size,        ///< 0, more than the most, or of a split queue no power of two
    misaligned,      ///< a part of the ring
    outside_ram,     ///< a part of the ring, a buffer or a table of descriptors
    index_jump,      ///< more is available than the queue has entries
    bad_head,        ///< a chain begins at a descriptor that there is not
    bad_next,        ///< or goes on there
    too_long,        ///< a loop, or more descriptors than the queue has entries
    too_many_bytes,  ///< more than 2^32 in a chain
    wrong_order,     ///< a buffer to be read behind one to be written
    bad_indirect,    ///< not negotiated, of no whole descriptors, nested, or going on behind it
    too_short,       ///< a request without its header or its status
    no_memory,       ///< Cairn's fault: there are no page tables for the guest's RAM
};

/// One clause, without a full stop.
[[nodiscard]] std::string_view to_string(RingFault fault);

using RingDone = std::expected<void, RingFault>;
using RingAnswer = std::expected<bool, RingFault>;

}  // namespace cairn
