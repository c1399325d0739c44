// SPDX-License-Identifier: MIT
#include "kernel/exit/handle_exit.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t vstip = 1 << 6;
constexpr std::uint64_t stie = 1 << 5;
constexpr std::uint64_t never = ~0ull;

SbiResult set_timer(GuestBench& bench, std::uint64_t deadline) {
    return bench.call(SbiExtension::time, SbiTime::set_timer, deadline);
}

}  // namespace

TEST_CASE("with Sstc the deadline goes into the hart's comparator", "[sbi_time]") {
    GuestBench bench({.sstc = true});
    CHECK(csr_read<Csr::vstimecmp>() == never);
    for (const std::uint64_t deadline :
         {std::uint64_t{0}, std::uint64_t{0x1234'5678'9abc}, never}) {
        CHECK(set_timer(bench, deadline) == sbi_success());
        CHECK(csr_read<Csr::vstimecmp>() == deadline);
    }
    CHECK(fake_sbi_calls.empty());
    CHECK(csr_read<Csr::sie>() == 0);
    CHECK(csr_read<Csr::hvip>() == 0);
}

TEST_CASE("without Sstc the host's timer stands in", "[sbi_time]") {
    GuestBench bench;
    csr_write<Csr::vstimecmp>(77);
    bench.vcpu().timer_interrupt().set(true);
    bench.vcpu().software_interrupt().set(true);
    CHECK(set_timer(bench, 5000) == sbi_success());
    CHECK(csr_read<Csr::hvip>() == 1 << 2);  // only the timer's bit is cleared
    CHECK(fake_sbi_calls == std::vector<FakeSbiCall>{{SbiExtension::time, 0, {5000}}});
    CHECK(csr_read<Csr::sie>() == stie);
    CHECK(csr_read<Csr::vstimecmp>() == 77);
}

TEST_CASE("without Sstc the host's interrupt becomes the guest's, once", "[sbi_time]") {
    GuestBench bench;
    csr_write<Csr::sie>(1 << 9);
    CHECK(set_timer(bench, 5000) == sbi_success());
    csr_write<Csr::time>(5000);
    handle_timer_interrupt(bench.vcpu());
    CHECK(csr_read<Csr::hvip>() == vstip);
    CHECK(csr_read<Csr::sie>() == 1 << 9);  // or it would come again at once
    CHECK(set_timer(bench, 6000) == sbi_success());
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(csr_read<Csr::sie>() == (1 << 9 | stie));
}

TEST_CASE("without Sstc all ones clears the interrupt and arms nothing", "[sbi_time]") {
    GuestBench bench;
    CHECK(set_timer(bench, 5000) == sbi_success());
    bench.vcpu().timer_interrupt().set(true);
    CHECK(set_timer(bench, never) == sbi_success());
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(csr_read<Csr::sie>() == 0);
    CHECK(fake_sbi_calls.size() == 1);
}

TEST_CASE("where the machine may lose it, the host's timer renews the guest's", "[sbi_time]") {
    constexpr std::uint32_t renewal = 100'000;
    GuestBench bench({.sstc = true, .timer_renewal = renewal});
    CHECK(fake_sbi_calls.back() == FakeSbiCall{SbiExtension::time, 0, {renewal}});
    CHECK(csr_read<Csr::sie>() == stie);
    CHECK(csr_read<Csr::vstimecmp>() == never);

    CHECK(set_timer(bench, 5000) == sbi_success());
    csr_write<Csr::time>(200'000);
    handle_timer_interrupt(bench.vcpu());
    CHECK(fake_sbi_calls.back() == FakeSbiCall{SbiExtension::time, 0, {200'000 + renewal}});
    CHECK(csr_read<Csr::sie>() == stie);
    CHECK(csr_read<Csr::vstimecmp>() == 5000);
    CHECK(csr_read<Csr::hvip>() == 0);  // the guest's interrupt is vstimecmp's alone

    bench.vcpu().quiesce(bench.vm.features());
    CHECK(csr_read<Csr::sie>() == 0);
}
