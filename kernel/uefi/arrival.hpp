// SPDX-License-Identifier: MIT
// From a call of the firmware's to a machine that is Cairn's: everything that is taken from Boot
// Services, in order, and then they are left. Whatever fails before that gives back what was taken.
//
//     device tree ► boot hart ► command line ► heap ► VM archive ► memory map ► ExitBootServices
//
// An Arrival is read after .bss has been cleared, so the program's one lies in .data.
#pragma once

#include <cstdint>

#include "kernel/arch/start/hart_start.h"
#include "kernel/host/boot/door.hpp"
#include "kernel/uefi/failure.hpp"
#include "kernel/uefi/firmware.hpp"
#include "kernel/uefi/load_options.hpp"

namespace cairn::uefi {

inline constexpr std::uint64_t default_heap_size = std::uint64_t{100} << 20;

struct Arrival {
    std::uint64_t boot_hart = 0;             ///< kernel_main's first argument,
    const std::byte* device_tree = nullptr;  ///< and its second: kernel/arch/start/efi_entry.S
    Door door;
    CommandLine command_line;
};
static_assert(offsetof(Arrival, boot_hart) == CAIRN_ARRIVAL_BOOT_HART);
static_assert(offsetof(Arrival, device_tree) == CAIRN_ARRIVAL_DEVICE_TREE);

/// Fills in `arrival`. Boot Services are gone afterwards, or else, with a Failure, all is as
/// before. `own` is where the image and its stack lie.
[[nodiscard]] Outcome<void> arrive(Arrival& arrival, Firmware firmware, Handle image,
                                   HostRange own);

}  // namespace cairn::uefi
