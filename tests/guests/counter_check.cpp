// SPDX-License-Identifier: MIT
// A counter of the hart that a guest has counted by and gives back (SBI PMU): `cycle` is not its
// own, and runs again.
#include "kernel/arch/firmware/sbi_events.hpp"
#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/runtime_check.hpp"

namespace cairn::guest {
namespace {

constexpr std::uint64_t cpu_cycles = 1;

template <class... Arguments>
bool pmu(SbiPmu function, Arguments... arguments) {
    return sbi_call(SbiExtension::pmu, function, arguments...).ok();
}

/// On QEMU 7.2 the first reading of a counter that was stopped is not its value.
bool runs() {
    (void)csr_read<Csr::cycle>();
    const std::uint64_t before = csr_read<Csr::cycle>();
    for (unsigned n = 0; n < 10'000; ++n)
        asm volatile("");
    return csr_read<Csr::cycle>() != before;
}

}  // namespace

void check_counters() {
    check(runs(), "cycle runs");
    check(pmu(SbiPmu::counter_config_matching, 0u, 1u, 0u, cpu_cycles, 0u), "it is configured");
    check(!runs(), "it stands until it is started");
    check(pmu(SbiPmu::counter_start, 0u, 1u, 0u, 0u), "it is started");
    check(runs(), "it counts");
    check(pmu(SbiPmu::counter_stop, 0u, 1u, SbiCounterStop::reset), "it is given back");
    check(runs(), "it runs again");
}

}  // namespace cairn::guest
