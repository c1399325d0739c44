// SPDX-License-Identifier: MIT
// The end of the machine.
#pragma once

namespace cairn {

enum class Outcome : bool { success, failure };

/// Turns the machine off through the firmware (SBI SRST); under QEMU, `failure` gives its process a
/// failing exit status. Where the firmware cannot, the hart sleeps for ever.
[[noreturn]] void power_off(Outcome outcome);

}  // namespace cairn
