// SPDX-License-Identifier: MIT
// "Performance Monitoring Unit Extension": the firmware events of two harts, "Set PMU snapshot
// shared memory" and "Get PMU Event info".
#include "tests/guests/sbi_conformance/pmu.hpp"

namespace cairn::guest::conformance {
namespace {

alignas(4096) std::array<std::uint64_t, 1024> memory;

std::uint64_t address() {
    return reinterpret_cast<std::uint64_t>(memory.data());
}

// --- two harts ----------------------------------------------------------------------------------

struct Pair {
    std::string_view name;
    std::uint64_t sent, received;
    SbiResult (*send)(std::size_t hart);
};

constexpr Pair pairs[]{
    {"PMU firmware events of an IPI", 6, 7,
     [](std::size_t hart) { return call(SbiExtension::ipi, SbiIpi::send_ipi, 1u, hart); }},
    {"PMU firmware events of remote_fence_i", 8, 9,
     [](std::size_t hart) {
         return call(SbiExtension::rfence, SbiRfence::remote_fence_i, 1u, hart);
     }},
    {"PMU firmware events of remote_sfence_vma", 10, 11,
     [](std::size_t hart) {
         return call(SbiExtension::rfence, SbiRfence::remote_sfence_vma, 1u, hart, 0u, 0u);
     }},
    {"PMU firmware events of remote_sfence_vma_asid", 12, 13,
     [](std::size_t hart) {
         return call(SbiExtension::rfence, SbiRfence::remote_sfence_vma_asid, 1u, hart, 0u, 0u, 0u);
     }},
};

std::uint64_t remote_event = 0;
SbiResult remote_counter;
SbiResult remote_value;

SbiResult begin_counting(std::uint64_t event) {
    return pmu(SbiPmu::counter_config_matching, 0u, pmu_all(), flag_clear | flag_auto_start,
               firmware_event(event), 0u);
}

SbiResult end_counting(std::uint64_t counter) {
    pmu(SbiPmu::counter_stop, counter, 1u, 0u);
    const SbiResult value = pmu(SbiPmu::counter_fw_read, counter);
    pmu(SbiPmu::counter_start, counter, 1u, 0u, 0u);
    pmu(SbiPmu::counter_stop, counter, 1u, 1u);
    return value;
}

void check_pair(const Pair& pair, std::size_t hart) {
    const SbiResult sent = begin_counting(pair.sent);
    check_error(pair.name, "sent: configured, or none can monitor it", sent,
                {SbiError::success, SbiError::not_supported});
    remote_event = pair.received;
    run_on(hart, [] { remote_counter = begin_counting(remote_event); });
    check_error(pair.name, "received: configured, or none can monitor it", remote_counter,
                {SbiError::success, SbiError::not_supported});
    pair.send(hart);
    pair.send(hart);
    eventually([] { return false; }, 20 * millisecond);  // to arrive, and be taken one by one
    pair.send(hart);
    eventually([] { return false; }, 20 * millisecond);
    if (sent.ok()) check_result(pair.name, "sent 3", end_counting(sent.value), 3);
    if (!remote_counter.ok()) return;
    run_on(hart, [] { remote_value = end_counting(remote_counter.value); });
    check_success(pair.name, "received", remote_value);
    check(pair.name, "received 1 to 3: one may find another still pending",
          remote_value.value >= 1 && remote_value.value <= 3);
}

// --- snapshots ----------------------------------------------------------------------------------

struct Bad {
    std::string_view when;
    std::uint64_t low, high, flags;
    bool is_address;
};

void check_bad_snapshots() {
    const Bad bad[]{
        {"flags 1", address(), 0, 1, false},
        {"flags 2^63", address(), 0, std::uint64_t{1} << 63, false},
        {"8 bytes off a page", address() + 8, 0, 0, false},
        {"behind RAM", world.ram_end, 0, 0, true},
        {"the last page of all addresses", all_ones - 4095, 0, 0, true},
        {"high word 1", address(), 1, 0, true},
    };
    for (const Bad& each : bad) {
        const SbiResult result = pmu(SbiPmu::snapshot_set_shmem, each.low, each.high, each.flags);
        if (each.is_address)
            check_error("PMU snapshot_set_shmem", each.when, result,
                        {SbiError::invalid_address, SbiError::failed});
        else
            check_error("PMU snapshot_set_shmem", each.when, result, {SbiError::invalid_param});
    }
}

/// What a stop writes, and what a start reads.
void check_taken_snapshot() {
    constexpr std::string_view what = "PMU snapshot_set_shmem";
    constexpr std::uint64_t from_snapshot = 2, take_snapshot = 2;
    memory.fill(0x5555);
    check_success(what, "a page", pmu(SbiPmu::snapshot_set_shmem, address(), 0u, 0u));
    memory.fill(0x5555);
    memory[0] = 0;
    const SbiResult third = begin_counting(5);
    for (unsigned n = 0; n < 7; ++n)
        call(SbiExtension::time, SbiTime::set_timer, all_ones);
    const std::uint64_t base = third.value == 0 ? 0 : third.value - 1;
    const std::uint64_t index = third.value - base;
    check_success(what, "stop with a snapshot",
                  pmu(SbiPmu::counter_stop, base, std::uint64_t{1} << index, take_snapshot));
    check_value(what, "the value in the snapshot", memory[1 + index], 7);
    check_value(what, "no overflow", memory[0], 0);
    check_value(what, "values of other counters", memory[2 + index], 0x5555);
    memory[1 + index] = 1000;
    check_success(what, "start from a snapshot",
                  pmu(SbiPmu::counter_start, base, std::uint64_t{1} << index, from_snapshot, 0u));
    call(SbiExtension::time, SbiTime::set_timer, all_ones);
    check_result(what, "goes on from the snapshot's value", end_counting(third.value), 1001);
    check_success(what, "cleared", pmu(SbiPmu::snapshot_set_shmem, all_ones, all_ones, 0u));
}

void check_snapshot() {
    constexpr std::string_view what = "PMU snapshot_set_shmem";
    constexpr std::uint64_t from_snapshot = 2, take_snapshot = 2;
    const SbiResult counter = begin_counting(5);
    const SbiResult set = pmu(SbiPmu::snapshot_set_shmem, all_ones, all_ones, 0u);
    if (world.version < version_2)
        check_error(what, "younger than the version", set, {SbiError::not_supported});
    else
        check_error(what, "cleared, or optional", set,
                    {SbiError::success, SbiError::not_supported});
    if (!counter.ok()) return;
    if (world.version >= version_2)
        check_error("PMU counter_stop", "a snapshot without memory",
                    pmu(SbiPmu::counter_stop, counter.value, 1u, take_snapshot),
                    {SbiError::no_shmem});
    end_counting(counter.value);
    if (world.version >= version_2) {
        const SbiResult again = begin_counting(5);
        pmu(SbiPmu::counter_stop, again.value, 1u, 0u);
        check_error("PMU counter_start", "from a snapshot without memory",
                    pmu(SbiPmu::counter_start, again.value, 1u, from_snapshot, 0u),
                    {SbiError::no_shmem});
        end_counting(again.value);
    }
    if (!set.ok()) return;
    check_bad_snapshots();
    check_taken_snapshot();
}

// --- event info ---------------------------------------------------------------------------------

SbiResult event_info(std::uint64_t low, std::uint64_t high, std::uint64_t entries,
                     std::uint64_t flags) {
    return pmu(SbiPmu::event_get_info, low, high, entries, flags);
}

void check_bad_event_info() {
    constexpr std::string_view what = "PMU event_get_info";
    memory.fill(0);
    memory[0] = event_cycles;
    check_error(what, "flags 1", event_info(address(), 0, 1, 1), {SbiError::invalid_param});
    check_error(what, "8 bytes off its alignment", event_info(address() + 8, 0, 1, 0),
                {SbiError::invalid_param});
    struct {
        std::string_view when;
        std::uint64_t low, high, entries;
    } const outside[]{{"behind RAM", world.ram_end, 0, 1},
                      {"half behind RAM", world.ram_end - 16, 0, 2},
                      {"high word 1", address(), 1, 1},
                      {"a size that wraps around", address(), 0, std::uint64_t{1} << 60},
                      {"2^63 entries", address(), 0, std::uint64_t{1} << 63}};
    for (const auto& [when, low, high, entries] : outside) {
        if (!dares("pmu-address")) break;
        check_error(what, when, event_info(low, high, entries, 0),
                    {SbiError::invalid_address, SbiError::failed});
    }
    memory[0] = event_cycles | 1u << 20;
    check_error(what, "a reserved bit of event_idx", event_info(address(), 0, 1, 0),
                {SbiError::invalid_param});
}

/// As many as there is room for: an implementation may not stop half way.
void check_many_events() {
    constexpr std::string_view what = "PMU event_get_info";
    constexpr std::size_t entries = memory.size() / 2;
    for (std::size_t n = 0; n < entries; ++n) {
        memory[2 * n] = event_cycles | std::uint64_t{0xffff'ffff} << 32;
        memory[2 * n + 1] = 0;
    }
    check_success(what, "512 events", event_info(address(), 0, entries, 0));
    std::size_t same = 0;
    for (std::size_t n = 0; n < entries; ++n)
        same += memory[2 * n] == memory[0] ? 1 : 0;
    check_value(what, "each of 512 is answered, with the same", same, entries);
    check(what, "an answer to 512 events is 0 or 1", memory[0] >> 33 == 0);
}

void check_event_info() {
    constexpr std::string_view what = "PMU event_get_info";
    memory.fill(0);
    const SbiResult none = event_info(address(), 0, 1, 0);
    if (world.version < version_3) {
        check_error(what, "younger than the version", none,
                    {SbiError::not_supported, SbiError::success});
    } else {
        check_error(what, "or not available", none, {SbiError::success, SbiError::not_supported});
    }
    if (!none.ok()) return;
    constexpr std::array<Named, 8> asked{{{"cycles", event_cycles},
                                          {"instructions", event_instructions},
                                          {"firmware event 5", firmware_event(5)},
                                          {"firmware event 6", firmware_event(6)},
                                          {"firmware event 22, reserved", firmware_event(22)},
                                          {"cache event 0", 0x1'0000},
                                          {"an event of type 4, reserved", 0x4'0000},
                                          {"event 0, which is none", 0}}};
    for (std::size_t n = 0; n < asked.size(); ++n) {
        memory[2 * n] = asked[n].value | std::uint64_t{0xffff'ffff} << 32;  // output is all written
        memory[2 * n + 1] = 0;
    }
    memory[2 * asked.size()] = 0x7777;
    check_success(what, "eight events", event_info(address(), 0, asked.size(), 0));
    check_value(what, "nothing behind the entries", memory[2 * asked.size()], 0x7777);
    for (std::size_t n = 0; n < asked.size(); ++n) {
        const auto [when, event] = asked[n];
        check_value(what, "event_idx stays", memory[2 * n] & 0xffff'ffff, event);
        const SbiResult found =
            pmu(SbiPmu::counter_config_matching, 0u, pmu_all(), flag_clear, event, 0u);
        check_value("PMU event_get_info, as counter_config_matching has it", when,
                    memory[2 * n] >> 32, std::uint64_t{found.ok()});
        if (!found.ok()) continue;
        pmu(SbiPmu::counter_start, found.value, 1u, 0u, 0u);
        pmu(SbiPmu::counter_stop, found.value, 1u, 1u);
    }
    check_many_events();
    check_bad_event_info();
}

}  // namespace

void check_pmu_between_harts() {
    const std::size_t hart = other(0);
    if (hart == max_harts || !check("PMU", "another hart starts", start(hart))) return;
    for (const Pair& pair : pairs)
        check_pair(pair, hart);
    run_on(hart, clear_software_interrupt);
    check("PMU", "the other hart stops", stop(hart));
}

void check_pmu_memory() {
    check_snapshot();
    check_event_info();
}

}  // namespace cairn::guest::conformance
