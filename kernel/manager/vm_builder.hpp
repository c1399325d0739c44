// SPDX-License-Identifier: MIT
// From a VM of the archive to a VM that can be started: its RAM, its G-stage table, its devices.
#pragma once

#include <optional>

#include <cairn/unique_ptr.hpp>
#include <cairn/vector.hpp>
#include "kernel/bundle/bundle.hpp"
#include "kernel/manager/console/guest_channel.hpp"
#include "kernel/manager/host_resources.hpp"
#include "kernel/manager/vm_devices.hpp"
#include "kernel/vm/guest_fdt.hpp"
#include "kernel/vm/memory/guest_ram.hpp"
#include "kernel/vm/memory/vm_memory.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

struct BuiltVm {
    const BundleVm* bundle;
    LoadPlan plan;
    GuestFdtConfig tree;  ///< but for the random seed, which every start has anew
    allocated_ptr<GuestRam, VmAllocator<GuestRam>> ram;
    VmidLease vmid;
    vector<std::byte, VmAllocator<std::byte>> vector_room;  ///< for registers that are put away
    allocated_ptr<Vm, VmAllocator<Vm>> vm;
    /// They end first: a hart may be at work for one, and so in its VM.
    VmDevices devices;

    /// Has the VM's harts use its RAM's table, by the number that the VM has now.
    void use_table() { vm->use_translation(ram->table().hgatp(vmid.vmid().number), vmid.vmid()); }
};

/// Says in the log that the machine has not enough RAM for the VM.
void explain_lack_of_ram(HostResources& host, const VmConfig& config);

/// Builds the VM. What it needs of the hypervisor's
/// own memory comes from `memory`, its console is `channel`; both outlive it. Nothing, with a
/// sentence in the log, where its files, its memory or the host's do not allow it.
[[nodiscard]] std::optional<BuiltVm> build_vm(HostResources& host, const BundleVm& bundle,
                                              VmMemory& memory, GuestChannel& channel);

}  // namespace cairn
