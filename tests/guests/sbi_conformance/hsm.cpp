// SPDX-License-Identifier: MIT
// "Hart State Management Extension".
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

constexpr std::uint64_t started = 0, stopped = 1, suspended = 4;
constexpr std::uint64_t retentive = 0, non_retentive = 0x8000'0000;
constexpr std::uint64_t opaque = 0xfedc'ba98'7654'3210;

template <class... Arguments>
SbiResult hsm(SbiHsm function, Arguments... arguments) {
    return call(SbiExtension::hsm, function, arguments...);
}

// What the other hart does, and what came of it.
std::uint64_t job_type = 0;
std::uint64_t job_address = 0;
SbiResult job_result;
Resumed job_resumed;
std::atomic<unsigned> successes = 0;
std::atomic<bool> go = false;
std::size_t rivals_target = 0;

/// Sleeps until a software interrupt is pending, which is not taken: SIE is 0.
void suspend() {
    csr_write<Csr::sie>(1 << 1);
    job_result = hsm(SbiHsm::hart_suspend, job_type, job_address, opaque);
    clear_software_interrupt();
}

/// The same with translation and interrupts on, which must be off when it resumes.
void suspend_and_resume() {
    turn_paging_on();
    csr_write<Csr::sie>(1 << 1);
    job_resumed = call_and_resume(SbiExtension::hsm, 3, job_type, opaque);
    clear_software_interrupt();
    csr_write<Csr::satp>(0);
    asm volatile("sfence.vma" : : : "memory");
}

void turn_everything_on() {
    interrupt_handler = nullptr;
    turn_paging_on();
    csr_set<Csr::sstatus>(2);
}

void check_status(std::size_t hart) {
    constexpr std::string_view what = "HSM hart_get_status";
    check_result(what, "the calling hart", hsm(SbiHsm::hart_get_status, world.self), started);
    for (const auto& [when, bad] : bad_harts())
        check_error(what, when, hsm(SbiHsm::hart_get_status, bad), {SbiError::invalid_param});
    if (hart < max_harts)
        check_result(what, "a stopped hart", hsm(SbiHsm::hart_get_status, hart), stopped);
}

void check_start(std::size_t hart) {
    constexpr std::string_view what = "HSM hart_start";
    check_error(what, "itself", hsm(SbiHsm::hart_start, world.self, entry_address(), 0u),
                {SbiError::already_available});
    for (const auto& [when, bad] : bad_harts())
        check_error(what, when, hsm(SbiHsm::hart_start, bad, entry_address(), 0u),
                    {SbiError::invalid_param});
    if (hart == max_harts) return;
    const unsigned before = arrivals[hart].count;
    if (!check_success(what, "a stopped hart",
                       hsm(SbiHsm::hart_start, hart, entry_address(), opaque)))
        return;
    check(what, "it begins", eventually([&] { return arrivals[hart].count == before + 1; }));
    const Arrival& arrival = arrivals[hart];
    check_value(what, "a0 is the hart's id", arrival.hart, hart);
    check_value(what, "a1 is opaque", arrival.opaque, opaque);
    check_value(what, "satp", arrival.satp, 0);
    check_value(what, "sstatus.SIE", arrival.sstatus & 2, 0);
    check(what, "the state becomes STARTED", eventually([&] { return state_of(hart) == started; }));
    check_error(what, "a started hart", hsm(SbiHsm::hart_start, hart, entry_address(), 0u),
                {SbiError::already_available});
    check_value(what, "a started hart goes on", arrivals[hart].count, before + 1);
}

/// Stops a hart whose translation and interrupts are on, and starts it again.
void check_stop(std::size_t hart) {
    constexpr std::string_view what = "HSM hart_stop";
    check(what, "a hart with translation on", run_on(hart, turn_everything_on));
    check(what, "the state becomes STOPPED", stop(hart));
    const unsigned before = arrivals[hart].count;
    check_success(what, "and can be started",
                  hsm(SbiHsm::hart_start, hart, entry_address(), all_ones));
    check(what, "it begins", eventually([&] { return arrivals[hart].count == before + 1; }));
    check_value(what, "opaque is the last start's", arrivals[hart].opaque, all_ones);
    check_value(what, "satp after another start", arrivals[hart].satp, 0);
    check_value(what, "sstatus.SIE after another start", arrivals[hart].sstatus & 2, 0);
}

bool wake(std::size_t hart) {
    call(SbiExtension::ipi, SbiIpi::send_ipi, 1, hart);
    return job_is_done(hart);
}

void check_retentive(std::size_t hart, std::string_view when, std::uint64_t type) {
    constexpr std::string_view what = "HSM hart_suspend";
    job_type = type;
    job_address = all_ones - 1;  // "The resume_addr parameter is unused during retentive suspend."
    begin_job(hart, suspend);
    const bool asleep = eventually([&] { return state_of(hart) == suspended; });
    check(what, "retentive: the state becomes SUSPENDED", asleep);
    if (asleep)
        check_error("HSM hart_start", "a suspended hart",
                    hsm(SbiHsm::hart_start, hart, entry_address(), 0u),
                    {SbiError::already_available, SbiError::failed});
    check(what, "retentive: an IPI wakes it", wake(hart));
    check_success(what, when, job_result);
    check_value(what, "retentive: the state is STARTED again", state_of(hart), started);
}

void check_non_retentive(std::size_t hart, std::string_view when, std::uint64_t type) {
    constexpr std::string_view what = "HSM hart_suspend, non-retentive";
    job_type = type;
    job_resumed = {};
    begin_job(hart, suspend_and_resume);
    check(what, "the state becomes SUSPENDED",
          eventually([&] { return state_of(hart) == suspended; }));
    check(what, "an IPI wakes it", wake(hart));
    if (!check(what, when, job_resumed.elsewhere)) return;
    check_value(what, "a0 is the hart's id", job_resumed.a0, hart);
    check_value(what, "a1 is opaque", job_resumed.a1, opaque);
    check_value(what, "satp", job_resumed.satp, 0);
    check_value(what, "sstatus.SIE", job_resumed.sstatus & 2, 0);
}

void check_suspend_types() {
    constexpr std::string_view what = "HSM hart_suspend";
    constexpr Named types[]{{"type 1, reserved", 1},
                            {"type 0x0fffffff, reserved", 0x0fff'ffff},
                            {"type 0x10000000, of a platform", 0x1000'0000},
                            {"type 0x7fffffff, of a platform", 0x7fff'ffff},
                            {"type 0x80000001, reserved", 0x8000'0001},
                            {"type 0x8fffffff, reserved", 0x8fff'ffff},
                            {"type 0x90000000, of a platform", 0x9000'0000},
                            {"type 0xffffffff, of a platform", 0xffff'ffff},
                            {"type 1 below garbage", 1 | high_garbage}};
    for (const auto& [when, type] : types)
        check_error(what, when, hsm(SbiHsm::hart_suspend, type, resume_address(), opaque),
                    {SbiError::invalid_param});
}

/// The timer wakes a hart that sleeps alone.
void check_timer_wakes() {
    constexpr std::string_view what = "HSM hart_suspend";
    const std::uint64_t when = now() + 5 * millisecond;
    call(SbiExtension::time, SbiTime::set_timer, when);
    csr_write<Csr::sie>(1 << 5);
    check_success(what, "until the timer", hsm(SbiHsm::hart_suspend, retentive, 0u, 0u));
    check(what, "not before the timer", now() >= when);
    check_success(what, "with an interrupt pending already",
                  hsm(SbiHsm::hart_suspend, retentive, 0u, 0u));
    csr_write<Csr::sie>(1 << 5);
    check_resumed("HSM hart_suspend, non-retentive, interrupt pending",
                  call_and_resume(SbiExtension::hsm, 3, non_retentive, opaque), opaque);
    csr_write<Csr::sie>(0);
    call(SbiExtension::time, SbiTime::set_timer, all_ones);
}

void start_as_rival() {
    while (!go) {
    }
    if (hsm(SbiHsm::hart_start, rivals_target, entry_address(), opaque).ok()) ++successes;
}

/// Of two harts that start a third one, one does.
void check_rivals() {
    constexpr std::string_view what = "HSM hart_start";
    const std::size_t rival = other(0);
    rivals_target = other(1);
    if (rivals_target == max_harts) return;
    for (unsigned round = 0; round < 50; ++round) {
        successes = 0;
        go = false;
        const unsigned before = arrivals[rivals_target].count;
        begin_job(rival, start_as_rival);
        go = true;
        if (hsm(SbiHsm::hart_start, rivals_target, entry_address(), opaque).ok()) ++successes;
        const bool done = job_is_done(rival) &&
                          eventually([&] { return arrivals[rivals_target].count != before; });
        if (!check_value(what, "two harts start a third one", successes, 1) || !done) break;
        check_value(what, "it begins once", arrivals[rivals_target].count, before + 1);
        check(what, "it stops", stop(rivals_target));
    }
}

/// A hart starts at a bad address where the implementation lets it, and is lost.
void check_bad_addresses() {
    const Named bad[]{{"an address behind RAM", world.ram_end},
                      {"an address at the end of all", all_ones - 3},
                      {"an address of 2^56 and more", std::uint64_t{1} << 60}};
    for (const auto& [when, address] : bad) {
        const std::size_t hart = other(2);
        if (hart == max_harts) return;
        if (state_of(hart) == stopped)
            check_error("HSM hart_start", when, hsm(SbiHsm::hart_start, hart, address, 0u),
                        {SbiError::invalid_address, SbiError::failed});
        const std::size_t sleeper = other(1);
        if (!start(sleeper)) return;
        job_type = non_retentive;
        job_address = address;
        job_result = {1, 0};
        begin_job(sleeper, suspend);
        eventually([&] { return state_of(sleeper) == suspended || job_result.error != 1; });
        call(SbiExtension::ipi, SbiIpi::send_ipi, 1, sleeper);
        eventually([] { return job_result.error != 1; }, 100 * millisecond);
        check_error("HSM hart_suspend, non-retentive", when, job_result,
                    {SbiError::invalid_address, SbiError::failed});
        check("HSM hart_stop", "a hart stops that could not sleep", stop(sleeper));
    }
}

}  // namespace

void check_hsm() {
    if (!begin_extension(SbiExtension::hsm, "HSM", 4)) return;
    const std::size_t hart = other(0);
    check_status(hart);
    check_start(hart);
    check_suspend_types();
    check_timer_wakes();
    if (hart == max_harts || state_of(hart) != started) return;
    check_stop(hart);
    check_retentive(hart, "retentive", retentive);
    check_retentive(hart, "retentive, type 0 below garbage", retentive | high_garbage);
    check_non_retentive(hart, "non-retentive", non_retentive);
    check_non_retentive(hart, "type 0x80000000 below garbage", non_retentive | high_garbage);
    check_rivals();
    check("HSM hart_stop", "the hart stops", stop(hart));
    if (dares("hsm-address")) check_bad_addresses();
}

}  // namespace cairn::guest::conformance
