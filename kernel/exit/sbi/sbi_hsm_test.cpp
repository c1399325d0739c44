// SPDX-License-Identifier: MIT
#include "kernel/exit/sbi/sbi_calls.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t resume_at = GuestBench::ram_base + 0x1000;
constexpr std::uint64_t opaque = 0x1122'3344'5566'7788;
constexpr auto hsm = static_cast<std::uint64_t>(SbiExtension::hsm);
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

TEST_CASE("non-retentive suspend does not sleep without a place to wake", "[sbi_hsm]") {
    GuestBench bench;
    for (const std::uint64_t address : {bench.ram_end, bench.ram_base - 4, std::uint64_t{0}}) {
        CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, 0x8000'0000, address, opaque) ==
              invalid_address);
    }
    CHECK(!bench.vcpu().leaves_guest());
    CHECK(bench.vm.harts().state(0) == SbiHartState::started);
}

TEST_CASE("reserved and platform-specific suspend types are invalid", "[sbi_hsm]") {
    GuestBench bench;
    for (const std::uint64_t type : {0x1u, 0x0fff'ffffu, 0x1000'0000u, 0x7fff'ffffu, 0x8000'0001u,
                                     0x8fff'ffffu, 0x9000'0000u, 0xffff'ffffu}) {
        CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, type, resume_at, opaque) ==
              invalid_param);
    }
    CHECK(!bench.vcpu().leaves_guest());
}

TEST_CASE("hart start: the hart is to begin where it was told", "[sbi_hsm]") {
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
    CHECK(bench.vm.harts().begin(2) == HartStartArguments{resume_at, opaque});
    CHECK(status(2) == 0);  // started
    CHECK(start(2) == sbi_error(SbiError::already_available));
}

TEST_CASE("hart stop: the hart leaves its guest, and lies nowhere", "[sbi_hsm]") {
    GuestBench bench({}, 2);
    bench.run(1);
    CHECK(bench.vm.loaded() == 3);
    bench.call(SbiExtension::hsm, SbiHsm::hart_stop);
    CHECK(bench.vm.harts().state(0) == SbiHartState::stopped);
    CHECK(bench.vcpu().leaves_guest());
    CHECK(loaded_vcpu == nullptr);
    CHECK(bench.vm.loaded() == 2);
    CHECK(!bench.vm.stopped());
}

TEST_CASE("hart suspend: the hart leaves its guest, which keeps its state or resumes elsewhere",
          "[sbi_hsm]") {
    // The type is 32 bits wide, so what is above does not count; retentive, the address neither.
    for (const std::uint64_t upper : {0ull, 1ull << 32}) {
        GuestBench bench;
        csr_write<Csr::vsatp>(0x8000'0000'0008'0000);
        csr_write<Csr::vsstatus>(Sstatus::SIE::mask | Sstatus::SUM::mask);
        CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, upper, ~0ull, opaque) ==
              sbi_success());
        CHECK(bench.vm.harts().state(0) == SbiHartState::suspended);
        CHECK(bench.vcpu().leaves_guest());
        CHECK(csr_read<Csr::vsatp>() == 0x8000'0000'0008'0000);
        CHECK(csr_read<Csr::vsstatus>() == (Sstatus::SIE::mask | Sstatus::SUM::mask));

        bench.vm.harts().resume(0);
        bench.vcpu().enter_next();
        const SbiResult result =
            bench.ecall(hsm, hart_suspend, upper | 0x8000'0000, resume_at, opaque);
        CHECK(result.error == 0);  // a0: the hart's id
        CHECK(result.value == opaque);
        CHECK(bench.pc() == resume_at);
        CHECK(bench.vm.harts().state(0) == SbiHartState::suspended);
        CHECK(bench.vcpu().leaves_guest());
        CHECK(csr_read<Csr::vsatp>() == 0);
        CHECK(!Sstatus::SIE::get(csr_read<Csr::vsstatus>()));
        CHECK(Sstatus::SPP::get(csr_read<Csr::sstatus>()));
    }
}
