// SPDX-License-Identifier: MIT
// The timer of the hart at hand: its comparator where the harts have Sstc, else as the firmware
// provides it (SBI TIME). Two use it, each with a deadline of its own; the earlier one is the
// timer's. Its interrupt is the exit `timer_interrupt`; it is enabled only while something waits
// for it.
#pragma once

#include <cstdint>

namespace cairn {

enum class TimerUse : std::uint8_t {
    guest,      ///< stands in for the timer of the guest that lies in the hart, or renews it
    scheduler,  ///< the end of a vCPU's turn, and the deadlines of those that sleep
};

/// Before the first is armed: whether all harts that arm timers may write stimecmp.
void use_timer_comparator(bool there);

/// Interrupts this hart once `time` reaches `deadline`; all ones disarms.
void arm_host_timer(TimerUse use, std::uint64_t deadline);

/// Its deadline is none, until it is armed again.
void disarm_host_timer(TimerUse use);

/// Whether it is armed. The world switch disarms the timer by itself where the guest alone uses it.
[[nodiscard]] bool is_host_timer_armed(TimerUse use);

struct ExpiredTimers {
    bool guest = false;
    bool scheduler = false;
};

/// Those whose deadline has come. They are disarmed; the timer is armed for what is left.
[[nodiscard]] ExpiredTimers take_expired_timers();

}  // namespace cairn
