// SPDX-License-Identifier: MIT
// "Performance Monitoring Unit Extension": counters, and events that are configured on them. Its
// shared memory is in pmu_memory.cpp.
#include "tests/guests/sbi_conformance/pmu.hpp"

namespace cairn::guest::conformance {

std::uint64_t pmu_counters = 0;

namespace {

constexpr std::uint64_t reset = 1;
constexpr std::uint64_t firmware_type = std::uint64_t{1} << 63;

constexpr std::uint64_t a_while = 1'000'000'000'000;  // cycles of minutes

std::uint64_t info_of(std::uint64_t counter) {
    return pmu(SbiPmu::counter_get_info, counter).value;
}

bool is_firmware(std::uint64_t counter) {
    return (info_of(counter) & firmware_type) != 0;
}

std::uint64_t read_csr(std::uint64_t number) {
    switch (number) {
        case 0xc00: return csr_read<Csr::cycle>();
        case 0xc02: return csr_read<Csr::instret>();
        default: return 0;
    }
}

std::array<Named, 3> bad_counters() {
    return {{{"the counter after the last", pmu_counters},
             {"64 counters after the last", pmu_counters + 64},
             {"counter -1", all_ones}}};
}

void check_info() {
    constexpr std::string_view what = "PMU counter_get_info";
    std::uint64_t seen = 0;
    for (std::uint64_t counter = 0; counter < pmu_counters; ++counter) {
        const SbiResult info = pmu(SbiPmu::counter_get_info, counter);
        if (info.error != 0) continue;  // there may be holes, which are invalid counters
        if ((info.value & firmware_type) != 0) continue;
        const std::uint64_t csr = info.value & 0xfff;
        check(what, "a hardware counter's CSR is cycle, instret or an hpmcounter",
              csr == 0xc00 || (csr >= 0xc02 && csr <= 0xc1f));
        check_value(what, "reserved bits", info.value << 1 >> 19, 0);
        check_value(what, "a CSR of two counters", seen >> (csr & 31) & 1, 0);
        seen |= std::uint64_t{1} << (csr & 31);
    }
    for (const auto& [when, bad] : bad_counters())
        check_error(what, when, pmu(SbiPmu::counter_get_info, bad), {SbiError::invalid_param});
}

struct Set {
    std::string_view when;
    std::uint64_t base, mask;
};

/// "set of counters has at least one invalid counter"
void check_bad_sets(std::string_view what, SbiPmu function, std::uint64_t flags,
                    std::uint64_t argument) {
    const Set sets[]{
        {"a counter too many", pmu_counters, 1},
        {"a counter too many, by mask", pmu_counters - 1, 2},
        {"base 2^63", std::uint64_t{1} << 63, 1},
        {"base -1", all_ones, 1},
        {"base -1, wrapping around to counter 0", all_ones, 2},
    };
    for (const Set& set : sets)
        check_error(what, set.when, pmu(function, set.base, set.mask, flags, argument),
                    {SbiError::invalid_param});
}

constexpr Named config_flags[]{{"flag 8, reserved", 1 << 8},
                               {"flag 31, reserved", std::uint64_t{1} << 31},
                               {"flag 63, reserved", std::uint64_t{1} << 63}};
constexpr Named start_and_stop_flags[]{{"flag 2, reserved", 1 << 2},
                                       {"flag 31, reserved", std::uint64_t{1} << 31},
                                       {"flag 63, reserved", std::uint64_t{1} << 63}};
constexpr Named reserved_events[]{{"event 0, which is none", 0},
                                  {"general event 11, reserved", 11},
                                  {"general event 0xffff, reserved", 0xffff},
                                  {"an event of type 4, reserved", 0x4'0000},
                                  {"an event of type 14, reserved", 0xe'0001},
                                  {"firmware event 22, reserved", firmware_event(22)},
                                  {"firmware event 255, reserved", firmware_event(255)}};

void check_bad_configurations() {
    constexpr std::string_view what = "PMU counter_config_matching";
    const auto config = SbiPmu::counter_config_matching;
    check_bad_sets(what, config, 0, event_cycles);
    for (const auto& [when, flag] : config_flags)
        check_error(what, when, pmu(config, 0u, pmu_all(), flag, event_cycles, 0u),
                    {SbiError::invalid_param});
    for (const auto& [when, event] : reserved_events)
        check_error(what, when, pmu(config, 0u, pmu_all(), 0u, event, 0u),
                    {SbiError::not_supported, SbiError::invalid_param});
}

/// What the counter shows: its CSR, or counter_fw_read.
std::uint64_t value_of(std::uint64_t counter) {
    if (!is_firmware(counter)) return read_csr(info_of(counter) & 0xfff);
    const SbiResult read = pmu(SbiPmu::counter_fw_read, counter);
    check_success("PMU counter_fw_read", "a firmware counter", read);
    return read.value;
}

struct Event {
    std::string_view name;
    std::uint64_t event;
    void (*cause)();
    std::uint64_t count;  ///< what `cause` counts at least
    bool exactly;
};

void spin() {
    for (unsigned n = 0; n < 1000; ++n)
        asm volatile("nop");
}

constexpr Event events[]{
    {"PMU cycles", event_cycles, spin, 100, false},
    {"PMU instructions", event_instructions, spin, 1000, false},
    {"PMU firmware event set timer", firmware_event(5),
     [] { call(SbiExtension::time, SbiTime::set_timer, all_ones); }, 1, true},
};

/// Configured, started, stopped, started with a value, and reset.
void check_counting(const Event& event) {
    const std::string_view what = event.name;
    const SbiResult found =
        pmu(SbiPmu::counter_config_matching, 0u, pmu_all(), flag_clear, event.event, 0u);
    check_error(what, "configured, or none can monitor it", found,
                {SbiError::success, SbiError::not_supported});
    if (!found.ok()) return;
    const std::uint64_t counter = found.value;
    if (!check(what, "the counter is one of the set", counter < pmu_counters)) return;
    check_value(what, "cleared when it is configured", value_of(counter), 0);
    event.cause();
    check_value(what, "does not count before it is started", value_of(counter), 0);
    check_error(what, "stop of a stopped counter", pmu(SbiPmu::counter_stop, counter, 1u, 0u),
                {SbiError::already_stopped});
    check_success(what, "start", pmu(SbiPmu::counter_start, counter, 1u, 0u, 0u));
    check_error(what, "start of a started counter", pmu(SbiPmu::counter_start, counter, 1u, 0u, 0u),
                {SbiError::already_started});
    const std::uint64_t before = value_of(counter);
    event.cause();
    const std::uint64_t counted = value_of(counter) - before;
    check(what, "counts", event.exactly ? counted == event.count : counted >= event.count);
    check_success(what, "stop", pmu(SbiPmu::counter_stop, counter, 1u, 0u));
    value_of(counter);  // QEMU 7.2: the first reading of a stopped counter is another one
    const std::uint64_t stopped = value_of(counter);
    event.cause();
    check(what, "does not count when it is stopped", value_of(counter) <= stopped);
    check_success(what, "start without a value", pmu(SbiPmu::counter_start, counter, 1u, 0u, 5u));
    check(what, "goes on from where it was", value_of(counter) - stopped < a_while);
    check_success(what, "stop again", pmu(SbiPmu::counter_stop, counter, 1u, 0u));
    const std::uint64_t initial = std::uint64_t{1} << 56;
    check_success(what, "start with a value",
                  pmu(SbiPmu::counter_start, counter, 1u, flag_set_value, initial));
    check(what, "begins with the value", value_of(counter) - initial < a_while);
    check_success(what, "stop and reset", pmu(SbiPmu::counter_stop, counter, 1u, reset));
}

void check_auto_start() {
    constexpr std::string_view what = "PMU counter_config_matching, auto start";
    const SbiResult found = pmu(SbiPmu::counter_config_matching, 0u, pmu_all(),
                                flag_clear | flag_auto_start, firmware_event(5), 0u);
    if (!check_success(what, "set timer events", found)) return;
    check_value(what, "cleared", value_of(found.value), 0);
    for (unsigned n = 0; n < 3; ++n)
        call(SbiExtension::time, SbiTime::set_timer, all_ones);
    check_value(what, "three set timer calls", value_of(found.value), 3);
    const SbiResult again =
        pmu(SbiPmu::counter_config_matching, found.value, 1u, flag_clear, firmware_event(5), 0u);
    check_error(what, "only counters that are not started match", again, {SbiError::not_supported});
    check_value(what, "the started one goes on", value_of(found.value), 3);
    check_success(what, "another event on the started counter by SKIP_MATCH, or none",
                  pmu(SbiPmu::counter_stop, found.value, 1u, reset));
}

void check_start_and_stop() {
    check_bad_sets("PMU counter_start", SbiPmu::counter_start, 0, 0);
    check_bad_sets("PMU counter_stop", SbiPmu::counter_stop, 0, 0);
    const SbiResult found =
        pmu(SbiPmu::counter_config_matching, 0u, pmu_all(), flag_clear, firmware_event(5), 0u);
    if (!found.ok()) return;
    for (const auto& [when, flag] : start_and_stop_flags)
        check_error("PMU counter_start", when,
                    pmu(SbiPmu::counter_start, found.value, 1u, flag, 0u),
                    {SbiError::invalid_param});
    pmu(SbiPmu::counter_start, found.value, 1u, 0u, 0u);
    for (const auto& [when, flag] : start_and_stop_flags)
        check_error("PMU counter_stop", when, pmu(SbiPmu::counter_stop, found.value, 1u, flag),
                    {SbiError::invalid_param});
    pmu(SbiPmu::counter_stop, found.value, 1u, reset);
}

void check_firmware_reads() {
    for (std::uint64_t counter = 0; counter < pmu_counters; ++counter) {
        if (is_firmware(counter) || !pmu(SbiPmu::counter_get_info, counter).ok()) continue;
        check_error("PMU counter_fw_read", "a hardware counter",
                    pmu(SbiPmu::counter_fw_read, counter), {SbiError::invalid_param});
        break;
    }
    for (const auto& [when, bad] : bad_counters())
        check_error("PMU counter_fw_read", when, pmu(SbiPmu::counter_fw_read, bad),
                    {SbiError::invalid_param});
    constexpr std::string_view high = "PMU counter_fw_read_hi";
    const SbiResult found =
        pmu(SbiPmu::counter_config_matching, 0u, pmu_all(), flag_clear, firmware_event(5), 0u);
    if (world.version < version_2) {
        check_error(high, "younger than the version", pmu(SbiPmu::counter_fw_read_hi, 0u),
                    {SbiError::not_supported});
    } else if (found.ok()) {
        check_result(high, "0 on RV64", pmu(SbiPmu::counter_fw_read_hi, found.value), 0);
        check_error(high, "no counter", pmu(SbiPmu::counter_fw_read_hi, pmu_counters),
                    {SbiError::invalid_param});
    }
    if (found.ok()) {
        pmu(SbiPmu::counter_start, found.value, 1u, 0u, 0u);
        pmu(SbiPmu::counter_stop, found.value, 1u, reset);
    }
}

}  // namespace

void check_pmu() {
    if (!begin_extension(SbiExtension::pmu, "PMU", 9)) return;
    const SbiResult number = pmu(SbiPmu::num_counters);
    if (!check_success("PMU num_counters", "it always succeeds", number)) return;
    pmu_counters = number.value;
    if (!check("PMU num_counters", "there are any", pmu_counters != 0 && pmu_counters < 4096))
        return;
    const unsigned traps = last_trap.count;
    check_info();
    check_bad_configurations();
    for (const Event& event : events)
        check_counting(event);
    check_auto_start();
    check_start_and_stop();
    check_firmware_reads();
    check_pmu_between_harts();
    check_pmu_memory();
    check_value("PMU", "counters that cannot be read", last_trap.count - traps, 0);
}

}  // namespace cairn::guest::conformance
