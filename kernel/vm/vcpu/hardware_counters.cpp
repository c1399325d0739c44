// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/vm/vcpu/hardware_counters.hpp"

#include <algorithm>
#include <bit>

#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/firmware/sbi_events.hpp"
#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t most_counters = 64;
constexpr std::uint64_t one = 1;  // a mask of the counter that the base names
constexpr auto cycle = static_cast<unsigned>(Csr::cycle);
constexpr auto time_counter = static_cast<unsigned>(Csr::time) - cycle;
// "PMU Hardware Events": what `cycle` and `instret` count.
constexpr std::uint64_t cpu_cycles = 1;
constexpr std::uint64_t instructions = 2;

unsigned lowest(CsrCounters set) {
    return static_cast<unsigned>(std::countr_zero(set));
}

/// What the guest calls U and S is VU and VS to the machine; what Cairn and the firmware do on the
/// hart is not the guest's. The firmware may ignore any of this ("event filtering hints").
std::uint64_t machine_flags(std::uint64_t flags) {
    using Config = SbiCounterConfig;
    std::uint64_t result = Config::m_mode | Config::s_mode | Config::u_mode;
    if ((flags & Config::u_mode) != 0) result |= Config::vu_mode;
    if ((flags & Config::s_mode) != 0) result |= Config::vs_mode;
    return result;
}

template <class... Arguments>
SbiResult pmu_call(SbiPmu function, Arguments... arguments) {
    return sbi_call(SbiExtension::pmu, function, arguments...);
}

/// On QEMU 7.2 the first reading of a counter that has been stopped shows it as still running.
void take_last_reading(unsigned counter) {
    if (counter == 0) (void)csr_read<Csr::cycle>();
    if (counter == 2) (void)csr_read<Csr::instret>();
}

void stop(const HardwareCounters& counters, unsigned counter, std::uint64_t flags) {
    pmu_call(SbiPmu::counter_stop, counters.number[counter], one, flags);
}

/// OpenSBI 1.1 takes the event of these away, too, and starts none without; later ones keep the
/// filter that a guest gave them (Smcntrpmf) until they are given another.
void run_freely(const HardwareCounters& counters, unsigned counter) {
    const SbiResult configured =
        pmu_call(SbiPmu::counter_config_matching, counters.number[counter], one,
                 SbiCounterConfig::auto_start, counter == 0 ? cpu_cycles : instructions, 0u);
    if (!configured.ok()) (void)start_hardware_counter(counters, counter, std::nullopt);
}

template <std::size_t... numbers>
std::uint64_t read_counter(unsigned counter, std::index_sequence<numbers...>) {
    std::uint64_t value = 0;
    ((counter == numbers ? void(value = csr_read<static_cast<Csr>(cycle + numbers)>()) : void()),
     ...);
    return value;
}

}  // namespace

HardwareCounters find_hardware_counters() {
    HardwareCounters found;
    const SbiResult probed = sbi_call(SbiExtension::base, SbiBase::probe_extension,
                                      static_cast<std::uint64_t>(SbiExtension::pmu));
    if (!probed.ok() || probed.value == 0) return found;
    const std::uint64_t count =
        std::min<std::uint64_t>(pmu_call(SbiPmu::num_counters).value, most_counters);
    for (std::uint64_t index = 0; index < count; ++index) {
        const SbiResult info = pmu_call(SbiPmu::counter_get_info, index);
        if (!info.ok() || SbiCounterInfo::FIRMWARE::get(info.value)) continue;
        const unsigned counter = SbiCounterInfo::CSR::get(info.value) - cycle;
        if (counter >= 32 || counter == time_counter) continue;
        found.present |= CsrCounters{1} << counter;
        found.number[counter] = static_cast<std::uint8_t>(index);
        found.top_bit[counter] = SbiCounterInfo::WIDTH::get(info.value);
    }
    return found;
}

std::expected<unsigned, SbiError> configure_hardware_counter(const HardwareCounters& counters,
                                                             CsrCounters candidates,
                                                             std::uint64_t flags,
                                                             std::uint64_t event,
                                                             std::uint64_t event_data) {
    std::uint64_t mask = 0;
    for (CsrCounters left = candidates; left != 0; left &= left - 1)
        mask |= one << counters.number[lowest(left)];
    if (mask == 0) return std::unexpected(SbiError::not_supported);
    const std::uint64_t filter = machine_flags(flags);
    const SbiResult result =
        pmu_call(SbiPmu::counter_config_matching, 0u, mask, filter, event, event_data);
    if (!result.ok()) return std::unexpected(result.code());
    for (CsrCounters left = candidates; left != 0; left &= left - 1) {
        const unsigned counter = lowest(left);
        if (counters.number[counter] != result.value) continue;
        stop(counters, counter, 0);  // a free-running one could not be started else
        if ((flags & SbiCounterConfig::clear_value) != 0) {
            take_last_reading(counter);
            pmu_call(SbiPmu::counter_config_matching, result.value, one,
                     filter | SbiCounterConfig::skip_match | SbiCounterConfig::clear_value, event,
                     event_data);
        }
        return counter;
    }
    return std::unexpected(SbiError::not_supported);
}

bool start_hardware_counter(const HardwareCounters& counters, unsigned counter,
                            std::optional<std::uint64_t> value) {
    return pmu_call(SbiPmu::counter_start, counters.number[counter], one,
                    value ? SbiCounterStart::set_value : 0, value.value_or(0))
        .ok();
}

void stop_hardware_counter(const HardwareCounters& counters, unsigned counter) {
    stop(counters, counter, 0);
}

std::uint64_t read_hardware_counter(unsigned counter) {
    take_last_reading(counter);
    return read_counter(counter, std::make_index_sequence<32>());
}

void release_hardware_counters(const HardwareCounters& counters, CsrCounters used) {
    for (CsrCounters left = used; left != 0; left &= left - 1) {
        const unsigned counter = lowest(left);
        stop(counters, counter, SbiCounterStop::reset);
        if ((free_running_counters >> counter & 1) != 0) run_freely(counters, counter);
    }
}

}  // namespace cairn
