// SPDX-License-Identifier: MIT
// "System Suspend Extension".
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

constexpr std::string_view what = "SUSP system_suspend";
constexpr std::uint64_t to_ram = 0;
constexpr std::uint64_t opaque = 0x0f1e'2d3c'4b5a'6978;

SbiResult suspend(std::uint64_t type, std::uint64_t address) {
    return call(SbiExtension::susp, SbiSusp::system_suspend, type, address, opaque);
}

constexpr Named bad_types[]{
    {"type 1, reserved", 1},
    {"type 0x7fffffff, reserved", 0x7fff'ffff},
    {"type 0x80000000, of a platform", 0x8000'0000},
    {"type 0xffffffff, of a platform", 0xffff'ffff},
    {"type 1 below garbage", 1 | high_garbage},
};

void check_good(std::string_view when, std::uint64_t type) {
    const std::uint64_t due = now() + 5 * millisecond;
    call(SbiExtension::time, SbiTime::set_timer, due);
    csr_write<Csr::sie>(1 << 5);
    turn_paging_on();
    const Resumed resumed = call_and_resume(SbiExtension::susp, 0, type, opaque);
    csr_write<Csr::satp>(0);
    asm volatile("sfence.vma" : : : "memory");
    csr_write<Csr::sie>(0);
    call(SbiExtension::time, SbiTime::set_timer, all_ones);
    check(what, when, resumed.elsewhere);
    check_resumed(what, resumed, opaque);
    check(what, "until the timer", now() >= due);
}

}  // namespace

void check_susp() {
    if (!begin_extension(SbiExtension::susp, "SUSP", 1)) return;
    for (const Named& bad : bad_types)
        check_error(what, bad.when, suspend(bad.value, resume_address()),
                    {SbiError::invalid_param});
    if (other(0) != max_harts && check(what, "another hart starts", start(other(0)))) {
        // "Entry requires all but the calling hart be in the HSM STOPPED state"
        check_error(what, "another hart has started", suspend(to_ram, resume_address()),
                    {SbiError::denied});
        check(what, "the other hart stops", stop(other(0)));
    }
    const Named bad_addresses[]{{"an address behind RAM", world.ram_end},
                                {"an address at the end of all", all_ones - 3}};
    for (const Named& bad : bad_addresses)
        check_error(what, bad.when, suspend(to_ram, bad.value),
                    {SbiError::invalid_address, SbiError::failed});
    check_good("suspend to RAM", to_ram);
    check_good("type 0 below garbage", to_ram | high_garbage);
    for (std::size_t n = 0; other(n) < max_harts; ++n)
        check_value(what, "the other harts are still stopped", state_of(other(n)), 1);
}

}  // namespace cairn::guest::conformance
