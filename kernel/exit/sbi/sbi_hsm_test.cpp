// SPDX-License-Identifier: MIT
#include "kernel/exit/handle_exit.hpp"
#include "kernel/exit/host_wait.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t resume_at = GuestBench::ram_base + 0x1000;
constexpr std::uint64_t opaque = 0x1122'3344'5566'7788;
constexpr auto hsm = static_cast<std::uint64_t>(SbiExtension::hsm);
constexpr auto hart_stop = static_cast<std::uint64_t>(SbiHsm::hart_stop);
GuestBench* waiting = nullptr;
constexpr auto hart_suspend = static_cast<std::uint64_t>(SbiHsm::hart_suspend);

}  // namespace

TEST_CASE("hart start: the one hart has been started", "[sbi_hsm]") {
    GuestBench bench;
    const auto start = [&](std::uint64_t hart, std::uint64_t address) {
        return bench.call(SbiExtension::hsm, SbiHsm::hart_start, hart, address, opaque);
    };
    CHECK(start(0, resume_at) == sbi_error(SbiError::already_available));
    CHECK(start(0, bench.ram_end - 4) == sbi_error(SbiError::already_available));
    CHECK(start(0, bench.ram_end) == invalid_address);
    CHECK(start(0, 0x1000'0000) == invalid_address);
    CHECK(start(0, ~0ull) == invalid_address);
    for (const std::uint64_t hart : {1ull, 1ull << 32, ~0ull}) {
        CHECK(start(hart, resume_at) == invalid_param);
    }
    CHECK(!bench.vm.stopped());
}

TEST_CASE("hart stop: with its only hart the VM ends", "[sbi_hsm]") {
    GuestBench bench;
    bench.call(SbiExtension::hsm, SbiHsm::hart_stop);
    CHECK(bench.vm.stopped() == StopReason::power_off);
}

TEST_CASE("hart get status: who asks is started", "[sbi_hsm]") {
    GuestBench bench;
    const auto status = [&](std::uint64_t hart) {
        return bench.call(SbiExtension::hsm, SbiHsm::hart_get_status, hart);
    };
    CHECK(status(0) == sbi_success(0));
    CHECK(status(1) == invalid_param);
    CHECK(status(~0ull) == invalid_param);
}

TEST_CASE("retentive suspend waits and goes on", "[sbi_hsm]") {
    GuestBench bench;
    csr_write<Csr::vsatp>(0x8000'0000'0008'0000);
    csr_write<Csr::vsstatus>(Sstatus::SIE::mask);
    csr_write<Csr::vsie>(Sip::STIP::mask);
    // The address is unused; the type is 32 bits wide, so what is above does not count.
    for (const std::uint64_t type : {0ull, 1ull << 32}) {
        csr_write<Csr::time>(0);
        CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, type, ~0ull, opaque) ==
              sbi_success());
    }
    CHECK(fake_hart.waits == 2);
    CHECK(fake_hart.vvma_fences == 2);  // of what others passed over while it was suspended
    CHECK(fake_hart.instruction_fences == 2);
    CHECK(csr_read<Csr::vsatp>() == 0x8000'0000'0008'0000);
    CHECK(csr_read<Csr::vsstatus>() == Sstatus::SIE::mask);
}

TEST_CASE("non-retentive suspend waits and resumes where it was told", "[sbi_hsm]") {
    for (const std::uint64_t type : {0x8000'0000ull, 0xffff'ffff'8000'0000ull}) {
        GuestBench bench;
        csr_write<Csr::vsatp>(0x8000'0000'0008'0000);
        csr_write<Csr::vsstatus>(Sstatus::SIE::mask | Sstatus::SUM::mask);
        csr_write<Csr::vsie>(Sip::STIP::mask);
        const SbiResult result = bench.ecall(hsm, hart_suspend, type, resume_at, opaque);
        CHECK(result.error == 0);  // a0: the hart's id
        CHECK(result.value == opaque);
        CHECK(bench.pc() == resume_at);
        CHECK(fake_hart.waits == 1);
        CHECK(csr_read<Csr::vsatp>() == 0);
        CHECK(!Sstatus::SIE::get(csr_read<Csr::vsstatus>()));
        CHECK(Sstatus::SPP::get(csr_read<Csr::sstatus>()));
    }
}

TEST_CASE("non-retentive suspend does not sleep without a place to wake", "[sbi_hsm]") {
    GuestBench bench;
    for (const std::uint64_t address : {bench.ram_end, bench.ram_base - 4, std::uint64_t{0}}) {
        CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, 0x8000'0000, address, opaque) ==
              invalid_address);
    }
    CHECK(fake_hart.waits == 0);
}

TEST_CASE("reserved and platform-specific suspend types are invalid", "[sbi_hsm]") {
    GuestBench bench;
    for (const std::uint64_t type : {0x1u, 0x0fff'ffffu, 0x1000'0000u, 0x7fff'ffffu, 0x8000'0001u,
                                     0x8fff'ffffu, 0x9000'0000u, 0xffff'ffffu}) {
        CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, type, resume_at, opaque) ==
              invalid_param);
    }
    CHECK(fake_hart.waits == 0);
}

TEST_CASE("hart start: the hart begins where it was told, with its id and the opaque value",
          "[sbi_hsm]") {
    GuestBench bench({}, 3);
    const auto status = [&](std::uint64_t hart) {
        return bench.call(SbiExtension::hsm, SbiHsm::hart_get_status, hart).value;
    };
    const auto start = [&](std::uint64_t hart) {
        return bench.call(SbiExtension::hsm, SbiHsm::hart_start, hart, resume_at, opaque);
    };
    CHECK(status(2) == 1);  // stopped
    CHECK(start(2) == sbi_success());
    CHECK(fake_sbi_calls ==
          std::vector<FakeSbiCall>{{SbiExtension::ipi, 0, {1, 2}}});  // its hart is woken
    CHECK(status(2) == 2);                                            // start pending
    CHECK(start(2) == sbi_error(SbiError::already_available));
    CHECK(start(3) == invalid_param);
    Vcpu& second = bench.vm.vcpu(2);
    CHECK(wait_for_start(bench.vm, second));
    CHECK(status(2) == 0);  // started
    CHECK(second.context.pc == resume_at);
    CHECK(second.context.x[10] == 2);
    CHECK(second.context.x[11] == opaque);
    CHECK(fake_hart.vvma_fences == 1);  // of what others passed over while it was stopped
    CHECK(fake_hart.instruction_fences == 1);
    CHECK(start(2) == sbi_error(SbiError::already_available));
}

TEST_CASE("hart stop: the hart sleeps until another starts it", "[sbi_hsm]") {
    GuestBench bench({}, 2);
    bench.run(1);
    waiting = &bench;
    fake_hart.on_wait = [] {
        CHECK(waiting->vm.harts().state(0) == SbiHartState::stopped);
        CHECK(waiting->vm.harts().start(0, {.address = resume_at, .opaque = opaque}));
    };
    bench.x().fill(7);
    bench.x()[16] = hart_stop;
    bench.x()[17] = hsm;
    handle_sbi_call(bench.vm, bench.vcpu());
    Registers expected{};  // a0 is the hart's id, 0
    expected[11] = opaque;
    CHECK(bench.x() == expected);
    CHECK(bench.pc() == resume_at);
    CHECK(fake_hart.waits == 1);
    CHECK(bench.vm.harts().state(0) == SbiHartState::started);
}

TEST_CASE("a stopped hart serves what comes, and leaves when the VM stops", "[sbi_hsm]") {
    GuestBench bench({}, 2);
    bench.run(1);
    waiting = &bench;
    csr_write<Csr::sie>(Sip::SSIP::mask);
    fake_hart.on_wait = [] {
        if (fake_hart.waits == 1) {  // somebody has not seen yet that it is stopped
            waiting->vm.vcpu(1).fence_mail().post({}, 1);
            waiting->vm.vcpu(0).fence_mail().ask(1);
            waiting->vm.vcpu(0).request(Request::fence);
            csr_set<Csr::sip>(Sip::SSIP::mask);
            CHECK(!waiting->vm.vcpu(1).fence_mail().all_have_fenced());
        } else {
            CHECK(waiting->vm.vcpu(1).fence_mail().all_have_fenced());
            CHECK(fake_hart.instruction_fences == 0);  // left for its next start
            waiting->vm.stop(StopReason::reset);
        }
    };
    bench.call(SbiExtension::hsm, SbiHsm::hart_stop);
    CHECK(fake_hart.waits == 2);
    CHECK(bench.vm.stopped() == StopReason::reset);
}

TEST_CASE("what is not the guest's interrupt does not end a suspension", "[sbi_hsm]") {
    GuestBench bench({}, 2);
    bench.run(1);
    waiting = &bench;
    csr_write<Csr::sie>(Sip::SSIP::mask);
    csr_write<Csr::vsie>(Sip::SSIP::mask);
    csr_write<Csr::vsscratch>(77);
    fake_hart.on_wait = [] {
        CHECK(waiting->vm.harts().state(0) == SbiHartState::suspended);
        CHECK(loaded_vcpu == nullptr);
        CHECK(csr_read<Csr::vsscratch>() == 0);  // the hart that sleeps is nobody's
        CHECK(csr_read<Csr::vsie>() == 0);
        csr_set<Csr::sip>(Sip::SSIP::mask);
        waiting->vm.vcpu(0).request(fake_hart.waits < 3 ? Request::fence
                                                        : Request::software_interrupt);
    };
    CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, 0, 0, 0) == sbi_success());
    CHECK(fake_hart.waits == 3);
    CHECK(bench.vm.harts().state(0) == SbiHartState::started);
    CHECK(csr_read<Csr::vsscratch>() == 77);
    CHECK(csr_read<Csr::hvip>() == Hip::VSSIP::mask);
}

TEST_CASE("a deadline ends a suspension, with Sstc or without", "[sbi_hsm]") {
    for (const bool sstc : {true, false}) {
        GuestBench bench({.sstc = sstc});
        csr_write<Csr::vsie>(Sip::STIP::mask);
        bench.call(SbiExtension::time, SbiTime::set_timer, 5000);
        fake_sbi_calls.clear();
        fake_hart.on_wait = [] {
            CHECK(csr_read<Csr::sie>() == Sip::STIP::mask);  // the host's timer
            csr_write<Csr::time>(fake_hart.waits < 3 ? 4999 : 5000);
        };
        CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, 0, 0, 0) == sbi_success());
        CHECK(fake_hart.waits == 3);
        CHECK(fake_sbi_calls.front() == FakeSbiCall{SbiExtension::time, 0, {5000}});
        if (sstc) {
            CHECK(csr_read<Csr::vstimecmp>() == 5000);
            CHECK(csr_read<Csr::sie>() == 0);
        } else {  // it comes at once, to be the guest's
            CHECK(fake_sbi_calls.back() == FakeSbiCall{SbiExtension::time, 0, {5000}});
            CHECK(csr_read<Csr::sie>() == Sip::STIP::mask);
        }
    }
}

TEST_CASE("without Sstc a deadline that has come is not waited for again", "[sbi_hsm]") {
    GuestBench bench;
    csr_write<Csr::vsie>(Sip::STIP::mask);
    bench.call(SbiExtension::time, SbiTime::set_timer, 5000);
    handle_timer_interrupt(bench.vcpu());
    fake_sbi_calls.clear();
    CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, 0, 0, 0) == sbi_success());
    CHECK(fake_hart.waits == 0);
    CHECK(fake_sbi_calls.empty());
    CHECK(csr_read<Csr::hvip>() == Hip::VSTIP::mask);
}
