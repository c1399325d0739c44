// SPDX-License-Identifier: MIT
// The hart's counters that a vCPU uses, between the hart at hand and the vCPU's VcpuPmu: they go
// with its state (kernel/arch/guest/guest_state.hpp). Those that have no event stay: cycle and
// instret count on for whoever is there.
#pragma once

#include "kernel/vm/vcpu/vcpu_pmu.hpp"

namespace cairn {

/// Takes the counters of the hart at hand that the guest has given events out of it: what they have
/// counted is in `pmu` then.
void put_away_hardware_counters(const HardwareCounters& counters, VcpuPmu& pmu);
/// The reverse, in any hart. One that its firmware refuses counts nothing.
void load_hardware_counters(const HardwareCounters& counters, const VcpuPmu& pmu);

}  // namespace cairn
