// SPDX-License-Identifier: MIT
// "Timer Extension", and of "Legacy Extensions" set_timer, which does the same.
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {

namespace {

using SetTimer = SbiResult (*)(std::uint64_t);

void check_timer(std::string_view what, SetTimer set_timer) {
    const std::uint64_t later = now() + 5 * millisecond;
    check_success(what, "some time in the future", set_timer(later));
    check(what, "it is not pending before its time",
          !is_pending(Interrupt::timer) || now() >= later);
    check(what, "it becomes pending", takes(Interrupt::timer, patience));
    check(what, "not before its time", now() >= later);
    check(what, "it stays pending until it is set again", is_pending(Interrupt::timer));
    // "This function must clear the pending timer interrupt bit when stime_value is set to some
    // time in the future, regardless of whether timer interrupts are masked or not."
    check_success(what, "infinitely far into the future", set_timer(all_ones));
    check(what, "a time in the future clears the pending bit",
          !takes(Interrupt::timer, 5 * millisecond));
    check_success(what, "a time that has passed", set_timer(now() - 1));
    check(what, "a time that has passed interrupts", takes(Interrupt::timer, patience));
    check_success(what, "far in the future", set_timer(now() + 3'600'000 * millisecond));
    check(what, "another time in the future clears the pending bit",
          !takes(Interrupt::timer, 5 * millisecond));
    check_success(what, "time 0", set_timer(0));
    check(what, "time 0 interrupts", takes(Interrupt::timer, patience));
    set_timer(all_ones);
}

}  // namespace

void check_time() {
    if (!begin_extension(SbiExtension::time, "TIME", 1)) return;
    check_timer("TIME set_timer", [](std::uint64_t when) {
        return call(SbiExtension::time, SbiTime::set_timer, when);
    });
}

void check_legacy_timer() {
    check_timer("legacy set_timer", [](std::uint64_t when) {
        return call(SbiExtension::legacy_set_timer, 0x55, when);
    });
}

}  // namespace cairn::guest::conformance
