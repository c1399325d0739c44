// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/trap_cause.hpp"

#include <cstdint>

#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("an scause is taken apart and named", "[trap_cause]") {
    const std::uint64_t timer = (std::uint64_t{1} << 63) | 5;
    CHECK(is_interrupt(timer));
    CHECK(interrupt_of(timer) == Interrupt::supervisor_timer);
    CHECK(trap_cause_name(timer) == "supervisor timer interrupt");

    CHECK_FALSE(is_interrupt(23));
    CHECK(exception_of(23) == Exception::store_guest_page_fault);
    CHECK(trap_cause_name(23) == "store/AMO guest-page fault");
    CHECK(trap_cause_name(22) == "virtual instruction");
}

TEST_CASE("a reserved cause has a name too", "[trap_cause]") {
    CHECK(trap_cause_name(14) == "exception that the specification reserves");
    CHECK(trap_cause_name(~std::uint64_t{0}) == "interrupt that the specification reserves");
    CHECK(trap_cause_name(~std::uint64_t{0} >> 1) == "exception that the specification reserves");
}

TEST_CASE("delegation bits are the cause numbers", "[trap_cause]") {
    CHECK(bit(Exception::load_guest_page_fault) == std::uint64_t{1} << 21);
    CHECK(bit(Interrupt::supervisor_external) == std::uint64_t{1} << 9);
}
