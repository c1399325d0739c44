// SPDX-License-Identifier: MIT
// What Cairn needs of the device tree while Boot Services last, and who boots.
#pragma once

#include <string_view>

#include <cairn/fdt_reader.hpp>
#include "kernel/uefi/failure.hpp"
#include "kernel/uefi/firmware.hpp"

namespace cairn::uefi {

/// The device tree among the firmware's configuration tables (UEFI Specification 2.10,
/// section 4.6).
[[nodiscard]] Outcome<Fdt> find_device_tree(const SystemTable& table);

/// The hart that runs: by RISCV_EFI_BOOT_PROTOCOL, else by `boot-hartid` in /chosen.
[[nodiscard]] Outcome<std::uint64_t> find_boot_hart(Firmware firmware, const Fdt& tree);

/// `bootargs` in /chosen; empty where there are none.
[[nodiscard]] std::string_view boot_arguments(const Fdt& tree);

}  // namespace cairn::uefi
