// SPDX-License-Identifier: MIT
// The timer of the hart at hand, as the firmware provides it (SBI TIME). Its interrupt is the exit
// `timer_interrupt`; it is enabled only while something waits for it.
#pragma once

#include <cstdint>

namespace cairn {

/// Interrupts this hart once `time` reaches `deadline`; all ones disarms.
void arm_host_timer(std::uint64_t deadline);

/// The timer interrupt stays away until the timer is armed again.
void disarm_host_timer();

}  // namespace cairn
