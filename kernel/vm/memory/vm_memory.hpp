// SPDX-License-Identifier: MIT
// What a VM may have of the hypervisor's own memory: its objects on the kernel's heap and the
// frames of its G-stage table, on one account. Its RAM is not counted: vm.conf says how much that
// is.
//
//     Heap       <- Quota          <- vm.heap()         Vm, and what it will own
//                     account()
//     FrameSource <- CountedFrames <- vm.frames()       Stage2Table
//
// Borrows the heap and the frame source; outlives everything that the VM has from them. Does not
// move.
#pragma once

#include <cstdint>
#include <string_view>

#include <cairn/allocator.hpp>
#include <cairn/global_heap.hpp>
#include <cairn/quota.hpp>
#include "kernel/host/memory/counted_frames.hpp"

namespace cairn {

class VmMemory {
  public:
    using VmHeap = Quota<Heap>;

    /// What a VM is given if the boot options say nothing else: 1 MiB, and room for four page
    /// tables for each GiB of its `ram` bytes, which needs one.
    [[nodiscard]] static constexpr std::uint64_t default_limit(std::uint64_t ram) {
        return (std::uint64_t{1} << 20) + ram / (std::uint64_t{1} << 16);
    }

    /// `name` outlives the VM.
    VmMemory(Heap& heap, FrameSource& frames, std::string_view name, std::size_t limit)
        : heap_(heap, name, limit), frames_(frames, heap_.account()) {}
    VmMemory(const VmMemory&) = delete;
    VmMemory& operator=(const VmMemory&) = delete;

    [[nodiscard]] VmHeap& heap() { return heap_; }
    [[nodiscard]] FrameSource& frames() { return frames_; }
    [[nodiscard]] const QuotaAccount& account() const { return heap_.account(); }

  private:
    VmHeap heap_;
    CountedFrames frames_;
};

/// The allocator of containers that belong to a VM.
template <class T>
using VmAllocator = allocator_ref<T, VmMemory::VmHeap>;

}  // namespace cairn
