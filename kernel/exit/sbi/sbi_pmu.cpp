// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
// SBI specification, chapter "Performance Monitoring Unit Extension". Firmware counters count what
// Cairn does for the vCPU (VcpuPmu::count); the hart's counters are set up by the machine's
// firmware, whose SBI is asked for each of them, with arguments that have been checked here. There
// are no snapshots, which the specification allows. Rare calls, so all of it is made small.
#include <bit>

#include "kernel/arch/firmware/sbi_events.hpp"
#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t counters_base = 0;  // where each argument is
constexpr std::uint64_t event_info_size = 16;
/// So many entries are answered in one exit, since each may be several calls of the firmware. Then
/// the guest makes the same call once more, with this and the next entry's number in a1, which is
/// the call's to change. No valid address has such a high word; a guest that writes one itself
/// skips entries of its own.
constexpr std::uint64_t event_infos_per_exit = 8;
struct Progress {
    using TAG = Field<63, 32, std::uint32_t>;
    using NEXT = Field<31, 0, std::uint32_t>;
    static constexpr std::uint32_t tag = 0x4341'4952;  // "CAIR"
};
constexpr std::uint64_t ecall_length = 4;

const HardwareCounters& hardware_of(Vm& vm) {
    return vm.features().counters;
}

unsigned lowest(CounterSet set) {
    return static_cast<unsigned>(std::countr_zero(set));
}

/// Events that happen to a guest where Cairn can see it. Misaligned accesses come here only where
/// the guest leaves them to its firmware.
bool is_counted_by_cairn(std::uint64_t event, std::uint64_t event_data) {
    const auto code = SbiEvent::CODE::get(event);
    return event_data == 0 && code < sbi_firmware_events;
}

/// Whether the machine may be asked for a hardware event at all.
bool is_well_formed(std::uint64_t event, std::uint64_t event_data) {
    const auto code = SbiEvent::CODE::get(event);
    switch (SbiEvent::TYPE::get(event)) {
        case SbiEventType::hardware: return code != 0 && event_data == 0;
        case SbiEventType::cache: return event_data == 0;
        case SbiEventType::raw: return code == 0 && event_data >> 48 == 0;
        case SbiEventType::raw_v2: return code == 0 && event_data >> 56 == 0;
        case SbiEventType::firmware: break;
    }
    return false;
}

bool is_firmware_event(std::uint64_t event) {
    return SbiEvent::TYPE::get(event) == SbiEventType::firmware;
}

SbiResult get_info(const HardwareCounters& hardware, const VcpuPmu& pmu, std::uint64_t counter) {
    if (counter >= pmu.count()) return sbi_error(SbiError::invalid_param);
    const auto number = static_cast<unsigned>(counter);
    if (!pmu.is_hardware(number)) {  // the width may be ignored, but Linux does not
        return sbi_success(SbiCounterInfo::FIRMWARE::of(true) | SbiCounterInfo::WIDTH::of(63));
    }
    const auto csr = static_cast<std::uint16_t>(static_cast<unsigned>(Csr::cycle) + number);
    return sbi_success(SbiCounterInfo::CSR::of(csr) |
                       SbiCounterInfo::WIDTH::of(hardware.top_bit[number]));
}

/// Takes the counter's event away. One of the hart's is then as others on the hart expect it.
void release(const HardwareCounters& hardware, VcpuPmu& pmu, unsigned counter) {
    if (pmu.has_event(counter) && pmu.is_hardware(counter)) {
        release_hardware_counters(hardware, CsrCounters{1} << counter);
    }
    pmu.release(counter);
}

/// A counter of `set` that counts `event` from its start on. One that is named alone loses the
/// event that it has, also where it gets none.
std::expected<unsigned, SbiError> configure(const HardwareCounters& hardware, VcpuPmu& pmu,
                                            CounterSet set, std::uint64_t flags,
                                            std::uint64_t event, std::uint64_t event_data) {
    const CounterSet available = pmu.available(set);
    if (is_firmware_event(event)) {
        const CounterSet counters = available & ~CounterSet{pmu.hardware()};
        if (counters == 0 || !is_counted_by_cairn(event, event_data)) {
            return std::unexpected(SbiError::not_supported);
        }
        const unsigned counter = lowest(counters);
        if ((flags & SbiCounterConfig::clear_value) != 0) pmu.set_value(counter, 0);
        return counter;
    }
    if (!is_well_formed(event, event_data)) return std::unexpected(SbiError::not_supported);
    const auto counters = static_cast<CsrCounters>(available & pmu.hardware());
    if (counters != 0) release(hardware, pmu, lowest(counters));  // to the firmware it is in use
    const auto counter = configure_hardware_counter(hardware, counters, flags, event, event_data);
    // Whatever the firmware does not like of a call that is in order is about the event.
    if (!counter && counter.error() != SbiError::failed) {
        return std::unexpected(SbiError::not_supported);
    }
    return counter;
}

bool start_counter(const HardwareCounters& hardware, VcpuPmu& pmu, unsigned counter,
                   std::optional<std::uint64_t> value) {
    if (pmu.is_hardware(counter)) {
        if (!start_hardware_counter(hardware, counter, value)) return false;
    } else if (value) {
        pmu.set_value(counter, *value);
    }
    pmu.start(counter);
    return true;
}

SbiResult config_matching(Vm& vm, VcpuPmu& pmu, SbiCall call) {
    const std::uint64_t flags = call.arguments[2];
    const auto named = pmu.select(call.arguments[counters_base], call.arguments[1]);
    if (!named || (flags & SbiCounterConfig::reserved) != 0) {
        return sbi_error(SbiError::invalid_param);
    }
    const std::uint64_t event = call.arguments[3];
    if ((event & SbiEvent::reserved) != 0) return sbi_error(SbiError::not_supported);
    const bool first = (flags & SbiCounterConfig::skip_match) != 0;
    const CounterSet set = first ? CounterSet{1} << lowest(*named) : *named;
    const HardwareCounters& hardware = hardware_of(vm);
    const auto counter = configure(hardware, pmu, set, flags, event, call.arguments[4]);
    if (!counter) return sbi_error(counter.error());
    pmu.assign(*counter, SbiEvent::CODE::get(event));
    if (pmu.is_hardware(*counter)) {
        pmu.remember(*counter, {.event_data = call.arguments[4],
                                .event = static_cast<std::uint32_t>(event),
                                .flags = static_cast<std::uint32_t>(flags)});
    }
    if ((flags & SbiCounterConfig::auto_start) != 0 &&
        !start_counter(hardware, pmu, *counter, std::nullopt)) {
        release(hardware, pmu, *counter);
        return sbi_error(SbiError::failed);
    }
    return sbi_success(*counter);
}

/// All that can be started are, whatever is wrong with others of the set. A counter without an
/// event cannot.
SbiResult start(Vm& vm, VcpuPmu& pmu, SbiCall call) {
    const std::uint64_t flags = call.arguments[2];
    const auto named = pmu.select(call.arguments[counters_base], call.arguments[1]);
    if (!named || (flags & SbiCounterStart::reserved) != 0) {
        return sbi_error(SbiError::invalid_param);
    }
    if ((flags & SbiCounterStart::from_snapshot) != 0) return sbi_error(SbiError::no_shmem);
    const auto value =
        (flags & SbiCounterStart::set_value) != 0 ? std::optional(call.arguments[3]) : std::nullopt;
    SbiError error = SbiError::success;
    for (CounterSet left = *named; left != 0; left &= left - 1) {
        const unsigned counter = lowest(left);
        if (pmu.is_started(counter)) {
            error = SbiError::already_started;
        } else if (!pmu.has_event(counter)) {
            error = SbiError::invalid_param;
        } else if (!start_counter(hardware_of(vm), pmu, counter, value)) {
            error = SbiError::failed;
        }
    }
    return sbi_error(error);
}

SbiResult stop(Vm& vm, VcpuPmu& pmu, SbiCall call) {
    const std::uint64_t flags = call.arguments[2];
    const auto named = pmu.select(call.arguments[counters_base], call.arguments[1]);
    if (!named || (flags & SbiCounterStop::reserved) != 0) {
        return sbi_error(SbiError::invalid_param);
    }
    if ((flags & SbiCounterStop::take_snapshot) != 0) return sbi_error(SbiError::no_shmem);
    const bool forget = (flags & SbiCounterStop::reset) != 0;
    SbiError error = SbiError::success;
    for (CounterSet left = *named; left != 0; left &= left - 1) {
        const unsigned counter = lowest(left);
        if (!forget && pmu.has_event(counter) && pmu.is_hardware(counter)) {
            stop_hardware_counter(hardware_of(vm), counter);
        }
        if (pmu.is_started(counter)) {
            pmu.stop(counter);
        } else {
            error = SbiError::already_stopped;
        }
        if (forget) release(hardware_of(vm), pmu, counter);
    }
    return sbi_error(error);
}

SbiResult read(const VcpuPmu& pmu, std::uint64_t counter, bool high_half) {
    if (counter >= pmu.count() || pmu.is_hardware(static_cast<unsigned>(counter))) {
        return sbi_error(SbiError::invalid_param);
    }
    return sbi_success(high_half ? 0 : pmu.value(static_cast<unsigned>(counter)));
}

/// Whether a counter could count the event. The machine is asked by having an unused one count it.
bool is_supported(const HardwareCounters& hardware, const VcpuPmu& pmu, std::uint64_t event,
                  std::uint64_t event_data) {
    if (is_firmware_event(event)) return is_counted_by_cairn(event, event_data);
    if (!is_well_formed(event, event_data)) return false;
    const auto counter =
        configure_hardware_counter(hardware, pmu.unused_hardware(), 0, event, event_data);
    if (counter) release_hardware_counters(hardware, CsrCounters{1} << *counter);
    return counter.has_value();
}

/// The entry that the call is at; no value where a1 is a high word and not 0.
std::optional<std::uint64_t> first_entry(std::uint64_t high, std::uint64_t count) {
    if (high == 0) return 0;
    const std::uint64_t next = Progress::NEXT::get(high);
    if (Progress::TAG::get(high) != Progress::tag || next >= count) return std::nullopt;
    return next;
}

/// Has the guest make the call at hand again, from entry `next` on.
SbiResult call_again(Vcpu& vcpu, std::uint64_t low, std::uint64_t next) {
    vcpu.context.pc -= ecall_length;
    return {static_cast<long>(low), Progress::TAG::of(Progress::tag) |
                                        Progress::NEXT::of(static_cast<std::uint32_t>(next))};
}

SbiResult event_get_info(Vm& vm, Vcpu& vcpu, SbiCall call) {
    const VcpuPmu& pmu = vcpu.pmu();
    const auto [low, high, count, flags] =
        std::array{call.arguments[0], call.arguments[1], call.arguments[2], call.arguments[3]};
    if (flags != 0 || low % event_info_size != 0) return sbi_error(SbiError::invalid_param);
    const auto first = first_entry(high, count);
    if (!first || count > Progress::NEXT::max ||
        !vm.memory().holds(GuestPhys{low}, count * event_info_size)) {
        return sbi_error(SbiError::invalid_address);
    }
    for (std::uint64_t index = *first; index < count; ++index) {
        if (index == *first + event_infos_per_exit) return call_again(vcpu, low, index);
        const GuestPhys entry{low + index * event_info_size};
        const auto event = vm.memory().load<std::uint32_t>(entry);
        const auto event_data = vm.memory().load<std::uint64_t>(entry + 8);
        if (!event || !event_data || (*event & SbiEvent::reserved) != 0) {
            return sbi_error(SbiError::invalid_param);
        }
        const bool supported = is_supported(hardware_of(vm), pmu, *event, *event_data);
        (void)vm.memory().store<std::uint32_t>(entry + 4, supported ? 1 : 0);  // checked above
    }
    return sbi_success();
}

}  // namespace

SbiResult sbi_pmu(Vm& vm, Vcpu& vcpu, SbiCall call) {
    VcpuPmu& pmu = vcpu.pmu();
    SbiResult result = sbi_error(SbiError::not_supported);
    switch (static_cast<SbiPmu>(call.function)) {
        case SbiPmu::num_counters: return sbi_success(pmu.count());
        case SbiPmu::counter_get_info: return get_info(hardware_of(vm), pmu, call.arguments[0]);
        case SbiPmu::counter_config_matching: result = config_matching(vm, pmu, call); break;
        case SbiPmu::counter_start: result = start(vm, pmu, call); break;
        case SbiPmu::counter_stop: result = stop(vm, pmu, call); break;
        case SbiPmu::counter_fw_read: return read(pmu, call.arguments[0], false);
        case SbiPmu::counter_fw_read_hi: return read(pmu, call.arguments[0], true);
        case SbiPmu::snapshot_set_shmem: return result;  // "an optional function"
        case SbiPmu::event_get_info: return event_get_info(vm, vcpu, call);
    }
    vcpu.choose_exit_path();
    return result;
}

}  // namespace cairn
