// SPDX-License-Identifier: MIT
// The memory of a VM's vCPUs, on the VM's quota: taken before the VM is made, which fills it. They
// do not move: harts and lines point to them.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include <cairn/vector.hpp>
#include "kernel/vm/memory/vm_memory.hpp"
#include "kernel/vm/vcpu/vcpu.hpp"

namespace cairn {

struct VcpuRoom {
    template <class T>
    using Row = vector<T, VmAllocator<T>>;

    /// For `cpus` vCPUs; nothing where the quota or the heap has not got it.
    [[nodiscard]] static std::optional<VcpuRoom> take(VmMemory::VmHeap& heap, std::uint32_t cpus) {
        VcpuRoom room{.cpus = cpus,
                      .vcpus = Row<Vcpu>(VmAllocator<Vcpu>(heap)),
                      .ipi_routes = Row<IpiRoute>(VmAllocator<IpiRoute>(heap))};
        if (!room.vcpus.try_reserve(cpus) || !room.ipi_routes.try_resize(cpus)) return std::nullopt;
        return std::optional(std::move(room));
    }

    std::uint32_t cpus;
    Row<Vcpu> vcpus;
    Row<IpiRoute> ipi_routes;  ///< where the world switch looks vCPUs up
};

}  // namespace cairn
