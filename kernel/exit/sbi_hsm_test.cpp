// SPDX-License-Identifier: MIT
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

TEST_CASE("retentive suspend waits and goes on", "[sbi_hsm]") {
    GuestBench bench;
    csr_write<Csr::vsatp>(0x8000'0000'0008'0000);
    csr_write<Csr::vsstatus>(Sstatus::SIE::mask);
    // The address is unused; the type is 32 bits wide, so what is above does not count.
    for (const std::uint64_t type : {0ull, 1ull << 32}) {
        CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, type, ~0ull, opaque) ==
              sbi_success());
    }
    CHECK(fake_hart.waits == 2);
    CHECK(csr_read<Csr::vsatp>() == 0x8000'0000'0008'0000);
    CHECK(csr_read<Csr::vsstatus>() == Sstatus::SIE::mask);
}

TEST_CASE("non-retentive suspend waits and resumes where it was told", "[sbi_hsm]") {
    for (const std::uint64_t type : {0x8000'0000ull, 0xffff'ffff'8000'0000ull}) {
        GuestBench bench;
        csr_write<Csr::vsatp>(0x8000'0000'0008'0000);
        csr_write<Csr::vsstatus>(Sstatus::SIE::mask | Sstatus::SUM::mask);
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
