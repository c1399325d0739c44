// SPDX-License-Identifier: MIT
// A heap for what VMs own in host programs, where operator new is the C++ library's: 16 MiB of it.
#pragma once

#include <cstddef>
#include <string_view>

#include <cairn/global_heap.hpp>
#include <cairn/heap/hart_cache.hpp>
#include <cairn/host_region.hpp>
#include <cairn/panic.hpp>
#include "kernel/vm/vcpu/vcpu_room.hpp"

namespace cairn {

/// Here the C++ runtime keeps its own operator new, and the heap is used directly.
[[gnu::used]] inline void start_operators(std::string_view /*owner*/, FaultHook /*hook*/) {}

namespace test {

inline Heap& kernel_heap() {
    static const bool ready = [] {
        return global_break().init(mmap_region(std::size_t{16} << 20).value()).has_value() &&
               global_heap().core().init(global_break(), "test").has_value();
    }();
    require(ready, "the tests' heap can be had");
    return global_heap();
}

/// Room for a VM's vCPUs, from a quota that nobody exceeds.
inline VcpuRoom room_for(std::uint32_t cpus) {
    static VmMemory::VmHeap heap(kernel_heap(), "test", std::size_t{1} << 20);
    return VcpuRoom::take(heap, cpus).value();
}

}  // namespace test
}  // namespace cairn
