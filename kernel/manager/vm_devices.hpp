// SPDX-License-Identifier: MIT
// What a VM has beside what each has: its disks, its network interfaces, its clock, and what else
// its configuration names.
#pragma once

#include <optional>
#include <string_view>

#include <cairn/static_vector.hpp>
#include <cairn/unique_ptr.hpp>
#include <cairn/vector.hpp>
#include "kernel/bundle/bundle.hpp"
#include "kernel/manager/console/guest_channel.hpp"
#include "kernel/manager/host_resources.hpp"
#include "kernel/vm/guest_clock.hpp"
#include "kernel/vm/guest_map.hpp"
#include "kernel/vm/memory/vm_memory.hpp"
#include "kernel/vm/virtio/guest_balloon.hpp"
#include "kernel/vm/virtio/guest_disk.hpp"
#include "kernel/vm/virtio/guest_host_disk.hpp"
#include "kernel/vm/virtio/guest_net.hpp"
#include "kernel/vm/virtio/guest_rng.hpp"
#include "kernel/vm/virtio/guest_virtio_console.hpp"

namespace cairn {

/// Each kind in the order of its lines.
struct VmDevices {
    using Plugged = static_vector<GuestVirtio*, guest_map::virtio_slots>;

    explicit VmDevices(VmMemory& memory);

    /// What is in the slots, in their order: disks, interfaces, the entropy device, the console,
    /// the balloon.
    [[nodiscard]] Plugged virtio();
    /// A piece of finding out what its disks are; whether all of that is done, or nothing, with a
    /// sentence in the log, where one is not what its configuration says. Before its guest runs.
    [[nodiscard]] std::optional<bool> open_some(const VmConfig& config);

    vector<GuestDisk, VmAllocator<GuestDisk>> images;
    vector<GuestHostDisk, VmAllocator<GuestHostDisk>> host_disks;
    vector<GuestNet, VmAllocator<GuestNet>> nets;
    allocated_ptr<GuestRng, VmAllocator<GuestRng>> rng;  ///< nullptr: it has none
    allocated_ptr<GuestVirtioConsole, VmAllocator<GuestVirtioConsole>> console;  ///< the same
    allocated_ptr<GuestBalloon, VmAllocator<GuestBalloon>> balloon;              ///< the same
    /// It wakes the others, and so dies first.
    allocated_ptr<GuestClock, VmAllocator<GuestClock>> clock;
    static_vector<GuestVirtio*, VmConfig::max_disks> disks;
};

/// Says in the log why `memory` gave nothing: the VM has had its share, or there is none for
/// anybody, which `otherwise` says.
void explain_refusal(const VmMemory& memory, std::string_view otherwise);

/// Nothing, with a sentence in the log, where there is not enough memory, or the machine has not
/// what the configuration names. The VM's RAM is `ram`, its console `channel`.
[[nodiscard]] std::optional<VmDevices> take_devices(HostResources& host, const BundleVm& bundle,
                                                    GuestRam& ram, VmMemory& memory,
                                                    GuestChannel& channel);

}  // namespace cairn
