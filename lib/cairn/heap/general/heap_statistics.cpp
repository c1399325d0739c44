// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
#include "cairn/heap/general/heap_statistics.hpp"

#include "cairn/byte_size.hpp"
#include "cairn/print.hpp"

namespace cairn {

void format_value(Writer& writer, const HeapStatistics& statistics) {
    print(writer, "{} live, {} cached, {} free (largest {}), peak {}, {} failures",
          ByteSize{statistics.live}, ByteSize{statistics.cached}, ByteSize{statistics.free},
          ByteSize{statistics.largest_free}, ByteSize{statistics.peak}, statistics.failures);
}

}  // namespace cairn
