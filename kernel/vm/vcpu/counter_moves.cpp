// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/vm/vcpu/counter_moves.hpp"

#include <bit>

namespace cairn {

void put_away_hardware_counters(const HardwareCounters& counters, VcpuPmu& pmu) {
    for (CsrCounters left = pmu.assigned_hardware(); left != 0; left &= left - 1) {
        const auto counter = static_cast<unsigned>(std::countr_zero(left));
        if (pmu.is_started(counter)) stop_hardware_counter(counters, counter);
        pmu.set_value(counter, read_hardware_counter(counter));
    }
    release_hardware_counters(counters, pmu.assigned_hardware());
}

void load_hardware_counters(const HardwareCounters& counters, const VcpuPmu& pmu) {
    constexpr std::uint64_t once =
        SbiCounterConfig::clear_value | SbiCounterConfig::auto_start | SbiCounterConfig::skip_match;
    for (CsrCounters left = pmu.assigned_hardware(); left != 0; left &= left - 1) {
        const auto counter = static_cast<unsigned>(std::countr_zero(left));
        const VcpuPmu::Setup& setup = pmu.setup(counter);
        if (!configure_hardware_counter(counters, CsrCounters{1} << counter, setup.flags & ~once,
                                        setup.event, setup.event_data)) {
            continue;
        }
        (void)start_hardware_counter(counters, counter, pmu.value(counter));
        if (!pmu.is_started(counter)) stop_hardware_counter(counters, counter);
    }
}

}  // namespace cairn
