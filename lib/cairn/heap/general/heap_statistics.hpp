// SPDX-License-Identifier: MIT
// A heap in figures, all in bytes unless named otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cairn/writer.hpp"

namespace cairn {

struct HeapStatistics {
    std::size_t window = 0;        ///< of the region that the heap may grow into
    std::size_t grown = 0;         ///< taken from it so far
    std::size_t live = 0;          ///< in blocks that users have, with what rounding added
    std::size_t cached = 0;        ///< free, in the caches of harts
    std::size_t free = 0;          ///< free and shared: pages, blocks and slots
    std::size_t largest_free = 0;  ///< at least this much can be had in one piece without growing
    std::size_t peak = 0;          ///< the most that was with users and caches at once
    std::uint64_t failures = 0;    ///< requests that were refused
};

/// As in: 9.2 KiB live, 3.8 KiB cached, 1.0 MiB free (largest 1.0 MiB), peak 12.9 KiB, 0 failures
void format_value(Writer& writer, const HeapStatistics& statistics);

}  // namespace cairn
