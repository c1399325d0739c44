// SPDX-License-Identifier: MIT
#include "kernel/host/cpu/host_timer.hpp"

#include "kernel/arch/csr_access.hpp"
#include "kernel/arch/sbi_call.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::uint64_t stie = 1 << 5;
constexpr std::uint64_t others = 0xffff & ~stie;

}  // namespace

TEST_CASE("arming asks the firmware, then lets the interrupt in", "[host_timer]") {
    fake_sbi_calls.clear();
    csr_write<Csr::sie>(others);
    arm_host_timer(0);
    arm_host_timer(~0ull - 1);
    CHECK(fake_sbi_calls == std::vector<FakeSbiCall>{{SbiExtension::time, 0, {0}},
                                                     {SbiExtension::time, 0, {~0ull - 1}}});
    CHECK(csr_read<Csr::sie>() == (others | stie));
}

TEST_CASE("disarming, and a deadline that never comes, keep the interrupt out", "[host_timer]") {
    fake_sbi_calls.clear();
    csr_write<Csr::sie>(others | stie);
    disarm_host_timer();
    CHECK(csr_read<Csr::sie>() == others);
    csr_write<Csr::sie>(others | stie);
    arm_host_timer(~0ull);
    CHECK(csr_read<Csr::sie>() == others);
    CHECK(fake_sbi_calls.empty());
}
