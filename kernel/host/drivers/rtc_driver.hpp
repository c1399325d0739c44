// SPDX-License-Identifier: MIT
// Driver of the machine's own goldfish RTC: it is read, and never set. Its alarm is not used.
#pragma once

#include "kernel/host/boot/machine.hpp"
#include "kernel/host/drivers/host_clock.hpp"

namespace cairn {

/// nullptr where no clock is at `device`: an access traps, or its time stands still at 0.
[[nodiscard]] HostRtc* start_rtc(const MachineDevice& device);

}  // namespace cairn
