// SPDX-License-Identifier: MIT
#include "kernel/host/cpu/host_timer.hpp"

#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;
using enum TimerUse;

namespace {

constexpr std::uint64_t stie = 1 << 5;
constexpr std::uint64_t others = 0xffff & ~stie;
constexpr std::uint64_t never = ~std::uint64_t{0};

using Calls = std::vector<FakeSbiCall>;
FakeSbiCall set_timer(std::uint64_t deadline) {
    return {SbiExtension::time, 0, {deadline}};
}

void start_afresh() {
    csr_write<Csr::time>(0);
    disarm_host_timer(guest);
    disarm_host_timer(scheduler);
    fake_sbi_calls.clear();
    csr_write<Csr::sie>(others);
}

}  // namespace

TEST_CASE("arming asks the firmware, then lets the interrupt in", "[host_timer]") {
    start_afresh();
    arm_host_timer(guest, 0);
    CHECK(is_host_timer_armed(guest));
    CHECK(!is_host_timer_armed(scheduler));
    arm_host_timer(guest, never - 1);
    CHECK(fake_sbi_calls == Calls{set_timer(0), set_timer(never - 1)});
    CHECK(csr_read<Csr::sie>() == (others | stie));
}

TEST_CASE("disarming, and a deadline that never comes, keep the interrupt out", "[host_timer]") {
    start_afresh();
    arm_host_timer(guest, 5);
    disarm_host_timer(guest);
    CHECK(csr_read<Csr::sie>() == others);
    arm_host_timer(guest, 5);
    fake_sbi_calls.clear();
    arm_host_timer(guest, never);
    CHECK(csr_read<Csr::sie>() == others);
    CHECK(fake_sbi_calls.empty());
    CHECK(!is_host_timer_armed(guest));
}

TEST_CASE("the earlier of two deadlines is the timer's", "[host_timer]") {
    start_afresh();
    arm_host_timer(guest, 50);
    arm_host_timer(scheduler, 70);
    arm_host_timer(scheduler, 30);
    disarm_host_timer(scheduler);
    CHECK(fake_sbi_calls == Calls{set_timer(50), set_timer(50), set_timer(30), set_timer(50)});
    CHECK(csr_read<Csr::sie>() == (others | stie));
}

TEST_CASE("what has expired is told once, and the rest stays armed", "[host_timer]") {
    start_afresh();
    arm_host_timer(guest, 50);
    arm_host_timer(scheduler, 70);
    csr_write<Csr::time>(49);
    ExpiredTimers expired = take_expired_timers();
    CHECK((!expired.guest && !expired.scheduler));
    csr_write<Csr::time>(50);
    expired = take_expired_timers();
    CHECK((expired.guest && !expired.scheduler));
    CHECK(fake_sbi_calls.back() == set_timer(70));
    CHECK(csr_read<Csr::sie>() == (others | stie));
    csr_write<Csr::time>(1000);
    expired = take_expired_timers();
    CHECK((!expired.guest && expired.scheduler));
    CHECK(csr_read<Csr::sie>() == others);
}

TEST_CASE("a timer that the world switch has disarmed is not armed", "[host_timer]") {
    start_afresh();
    arm_host_timer(guest, 50);
    csr_clear<Csr::sie>(stie);
    CHECK(!is_host_timer_armed(guest));
}

TEST_CASE("where the harts have a comparator, the firmware is not asked", "[host_timer]") {
    start_afresh();
    use_timer_comparator(true);
    arm_host_timer(guest, 50);
    arm_host_timer(scheduler, 30);
    CHECK(csr_read<Csr::stimecmp>() == 30);
    disarm_host_timer(scheduler);
    CHECK(csr_read<Csr::stimecmp>() == 50);
    CHECK(csr_read<Csr::sie>() == (others | stie));
    disarm_host_timer(guest);
    CHECK(csr_read<Csr::sie>() == others);
    CHECK(fake_sbi_calls.empty());
    use_timer_comparator(false);
}
