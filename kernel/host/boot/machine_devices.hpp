// SPDX-License-Identifier: MIT
// The devices in the machine's tree that Cairn drives itself: console UART, PLIC, SSWI, RTC.
// Parts of `read_machine`; see machine.hpp for sources.
#pragma once

#include "kernel/host/boot/machine.hpp"

namespace cairn {

/// The first range of `node`'s `reg` at the address the CPU sees; nothing where there is none.
[[nodiscard]] std::optional<HostRange> read_registers(const Fdt& fdt, const FdtNode& node);

/// The 16550 that `stdout-path` names; where nothing is named, the first enabled one. Nothing where
/// the console is some other device.
[[nodiscard]] std::expected<std::optional<MachineUart>, MachineError> read_uart(const Fdt& fdt);

/// QEMU's test device; nothing where there is none that can be used.
[[nodiscard]] std::optional<MachineDevice> read_test_device(const Fdt& fdt);

/// A goldfish RTC; nothing where there is none that can be used.
[[nodiscard]] std::optional<MachineDevice> read_rtc(const Fdt& fdt);

/// The virtio-mmio slots, in use or not.
[[nodiscard]] static_vector<MachineWiredDevice, max_virtio_slots> read_virtio(const Fdt& fdt);

/// The PLIC that takes the `uart`'s interrupt, else the first; also sets `plic_context` of each of
/// the `harts` that it serves.
[[nodiscard]] std::expected<std::optional<MachinePlic>, MachineError> read_plic(
    const Fdt& fdt, const std::optional<MachineUart>& uart, std::span<MachineHart> harts);

/// The ACLINT SSWI devices; also sets `set_ssip` of each of the `harts` that one serves. Harts that
/// none does, or whose device's node is malformed, are interrupted through the firmware.
[[nodiscard]] static_vector<MachineDevice, max_sswis> read_software_interrupts(
    const Fdt& fdt, std::span<MachineHart> harts);

}  // namespace cairn
