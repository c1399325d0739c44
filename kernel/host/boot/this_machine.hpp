// SPDX-License-Identifier: MIT
// The machine as booted: its device tree, read once, what the door knows better, and the hart that
// runs. Everything points into the tree, which stays where the boot loader put it.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/host/boot/boot_options.hpp"
#include "kernel/host/boot/door.hpp"
#include "kernel/host/boot/machine.hpp"

namespace cairn {

struct ThisMachine {
    Machine machine;
    OwnMemory own;          ///< image, stack and heap
    HostRange device_tree;  ///< where the tree lies
    std::uint64_t boot_hart = 0;
    BootOptions options;
};

/// Reads the tree at `device_tree`. Where there is none, or it describes no machine that Cairn can
/// run on, says so in a sentence and turns the machine off.
const ThisMachine& read_this_machine(std::uint64_t boot_hart, const std::byte* device_tree);

/// The hypervisor's own command line, once the machine has been read.
[[nodiscard]] const BootOptions& boot_options();

/// Stops with a sentence where image, stack and heap do not lie in RAM, or the boot loader has put
/// something else there.
void check_own_memory(const ThisMachine& self);

/// Moves the console to the machine's UART, and lets its input interrupt the boot hart.
void start_devices(const ThisMachine& self);

/// The machine's clock tells the time from now on; where it has none, says so.
void start_clock(const ThisMachine& self);

}  // namespace cairn
