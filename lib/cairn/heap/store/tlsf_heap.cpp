// SPDX-License-Identifier: MIT
#include "cairn/tlsf_heap.hpp"

namespace cairn {

template class TlsfHeap<Spinlock, Checks::basic>;
template class TlsfHeap<Spinlock, Checks::none>;

}  // namespace cairn
