// SPDX-License-Identifier: MIT
// The door through which Cairn came in: what whoever started it has given besides a hart and a
// device tree. Every program has one, chosen when it is linked:
//
//     hypervisor.elf   kernel/host/boot/sbi_door.cpp    a boot loader jumped to _start: Cairn lies
//     where
//                                                  hypervisor.ld says, the tree says all the rest
//     cairn.efi        kernel/uefi/uefi_door.cpp   firmware called _efi_start: Boot Services gave
//                                                  memory, read the archive and said what is free
#pragma once

#include <optional>
#include <string_view>

#include <cairn/static_vector.hpp>
#include "kernel/arch/address.hpp"
#include "kernel/host/boot/machine.hpp"

namespace cairn {

using DoorMemory = static_vector<HostRange, max_memory_ranges>;
using OwnMemory = static_vector<HostRange, 2>;

struct Door {
    OwnMemory own;   ///< image, stack and heap
    HostRange heap;  ///< the most that the heap may have
    // What the firmware knows better than the tree; where it is empty, the tree counts.
    DoorMemory memory;                             ///< the machine's RAM
    std::optional<HostRange> archive;              ///< of VMs
    std::optional<std::string_view> command_line;  ///< Cairn's own
};

[[nodiscard]] const Door& door();

}  // namespace cairn
