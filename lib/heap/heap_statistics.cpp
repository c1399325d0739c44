// SPDX-License-Identifier: MIT
#include "lib/heap/heap_statistics.hpp"

#include "lib/byte_size.hpp"
#include "lib/print.hpp"

namespace cairn {

void format_value(Writer& writer, const HeapStatistics& statistics) {
    print(writer, "{} live, {} cached, {} free (largest {}), peak {}, {} failures",
          ByteSize{statistics.live}, ByteSize{statistics.cached}, ByteSize{statistics.free},
          ByteSize{statistics.largest_free}, ByteSize{statistics.peak}, statistics.failures);
}

}  // namespace cairn
