// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/layout.hpp"

namespace cairn {

std::string_view to_string(AllocError error) {
    switch (error) {
        case AllocError::out_of_memory: return "out of memory";
        case AllocError::too_large: return "the block is too large";
        case AllocError::bad_alignment: return "the alignment is not a power of two";
        case AllocError::bad_region: return "the region is empty or wraps the address space";
        case AllocError::already_initialised: return "the allocator already has a region";
        case AllocError::bad_mark: return "the mark is not one of this allocator's present blocks";
        case AllocError::not_last_block: return "the block is not the last one handed out";
    }
    return "unknown allocation error";
}

}  // namespace cairn
