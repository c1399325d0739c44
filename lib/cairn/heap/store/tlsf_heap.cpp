// SPDX-License-Identifier: MIT
#include "cairn/tlsf_heap.hpp"

namespace cairn {

template class TlsfHeap<Spinlock>;

}  // namespace cairn
