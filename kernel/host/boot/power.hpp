// SPDX-License-Identifier: MIT
// The end of the machine.
#pragma once

#include <optional>

#include "kernel/host/boot/machine.hpp"

namespace cairn {

enum class Outcome : bool { success, failure };

/// Remembers the machine's test device, or that it has none: firmware drops the difference between
/// the two outcomes (OpenSBI 1.1 does), and QEMU's exit status comes from there.
void use_test_device(const std::optional<MachineDevice>& device);

/// Turns the machine off through the firmware (SBI SRST); under QEMU, `failure` gives its process
/// the status 1. Where the firmware cannot, the hart sleeps for ever.
[[noreturn]] void power_off(Outcome outcome);

}  // namespace cairn
