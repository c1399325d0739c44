// SPDX-License-Identifier: MIT
#include "kernel/exit/sbi/sbi_calls.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t resume_at = GuestBench::ram_base + 0x1000;
constexpr std::uint64_t opaque = 0x1122'3344'5566'7788;

SbiResult fail_to_suspend(GuestBench& bench, std::uint64_t type, std::uint64_t address) {
    return bench.call(SbiExtension::susp, SbiSusp::system_suspend, type, address, opaque);
}

}  // namespace

TEST_CASE("a suspended system resumes where it was told", "[sbi_susp]") {
    for (const std::uint64_t type : {0ull, 0xffff'ffff'0000'0000ull}) {  // 32 bits wide
        GuestBench bench;
        csr_write<Csr::vsatp>(0x8000'0000'0008'0000);
        csr_write<Csr::vsstatus>(Sstatus::SIE::mask | Sstatus::SUM::mask);
        csr_write<Csr::vsie>(Sip::STIP::mask);
        const SbiResult result =
            bench.ecall(static_cast<std::uint64_t>(SbiExtension::susp), 0, type, resume_at, opaque);
        CHECK(result.error == 0);  // a0: the hart's id
        CHECK(result.value == opaque);
        CHECK(bench.pc() == resume_at);
        CHECK(bench.vcpu().leaves_guest());
        CHECK(csr_read<Csr::vsatp>() == 0);
        CHECK(!Sstatus::SIE::get(csr_read<Csr::vsstatus>()));
        CHECK(bench.vm.harts().state(0) == SbiHartState::suspended);
    }
}

TEST_CASE("only suspend-to-RAM is there", "[sbi_susp]") {
    GuestBench bench;
    for (const std::uint64_t type : {1ull, 0x7fff'ffffull, 0x8000'0000ull, 0xffff'ffffull}) {
        CHECK(fail_to_suspend(bench, type, resume_at) == invalid_param);
    }
    CHECK(bench.call(SbiExtension::susp, 1) == not_supported);
    CHECK(!bench.vcpu().leaves_guest());
}

TEST_CASE("a system does not sleep without a place to wake", "[sbi_susp]") {
    GuestBench bench;
    for (const std::uint64_t address : {bench.ram_end, bench.ram_base - 2, bench.ram_base + 1,
                                        std::uint64_t{0}, ~std::uint64_t{0}}) {
        CHECK(fail_to_suspend(bench, 0, address) == invalid_address);
    }
    CHECK(!bench.vcpu().leaves_guest());
}

TEST_CASE("a system does not sleep while another hart is not stopped", "[sbi_susp]") {
    GuestBench bench({}, 3);
    const SbiResult denied = sbi_error(SbiError::denied);
    CHECK(bench.vm.harts().start(2, {.address = bench.entry}));
    CHECK(fail_to_suspend(bench, 0, resume_at) == denied);  // start pending
    (void)bench.vm.harts().begin(2);
    CHECK(fail_to_suspend(bench, 0, resume_at) == denied);
    bench.vm.harts().suspend(2);
    CHECK(fail_to_suspend(bench, 0, resume_at) == denied);
    CHECK(bench.vm.harts().stop(2));
    CHECK(!bench.vcpu().leaves_guest());
    bench.ecall(static_cast<std::uint64_t>(SbiExtension::susp), 0, 0, resume_at, opaque);
    CHECK(bench.pc() == resume_at);
}
