// SPDX-License-Identifier: MIT
// Which devices of the machine's tree cannot be what it says, whatever is there: their registers
// lie where something else is, or are too few. Nobody may touch those, and the hypervisor's page
// table does not map them. Whether the others are there is found out by trying them
// (kernel/host/drivers/uart_driver.hpp, interrupt_controller.hpp). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/host/boot/machine.hpp"

namespace cairn {

enum class DeviceFault : std::uint8_t {
    nowhere,           ///< beyond the 56 bits of a physical address, or in page 0
    in_memory,         ///< where RAM is, the hypervisor itself or the device tree
    reserved,          ///< where the tree reserves memory, for firmware above all
    overlaps_device,   ///< where an earlier device of this list is
    too_small,         ///< its registers end before the last one that is used
    too_many_sources,  ///< more than a PLIC can have
};

/// What is wrong, as the end of a sentence.
[[nodiscard]] std::string_view to_string(DeviceFault fault);

struct DeviceComplaint {
    MachineDevice device;
    DeviceFault fault = DeviceFault::nowhere;
};

inline constexpr std::size_t max_checked_devices = 4 + max_virtio_slots + max_sswis;
using DeviceComplaints = static_vector<DeviceComplaint, max_checked_devices>;

/// Takes what cannot be out of `machine`: UART, test device, PLIC, RTC, virtio slots, then SSWIs.
/// What lies in `own`, the hypervisor's memory and the device tree, counts as in RAM.
[[nodiscard]] DeviceComplaints drop_impossible_devices(Machine& machine,
                                                       std::span<const HostRange> own);

}  // namespace cairn
