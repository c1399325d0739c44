// SPDX-License-Identifier: MIT
#include "cairn/allocator.hpp"

#include "cairn/print.hpp"

namespace cairn {

void panic_no_storage(std::size_t count, std::size_t object_size) {
    panic_format("out of memory: storage for {} objects of {} bytes each asked for", count,
                 object_size);
}

}  // namespace cairn
