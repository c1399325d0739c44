// SPDX-License-Identifier: MIT
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

/// a0 of a legacy call. "The SBI function ID field in a6 is ignored", "nothing is returned in a1".
long legacy(GuestBench& bench, SbiExtension extension, std::uint64_t argument = 0) {
    const std::uint64_t before = bench.pc();
    const SbiResult result =
        bench.ecall(static_cast<std::uint64_t>(extension), 0x77, argument, 0x5678);
    CHECK(result.value == 0x5678);
    CHECK(bench.pc() == before + 4);
    return result.error;
}

}  // namespace

TEST_CASE("legacy set timer, with and without Sstc", "[sbi_legacy]") {
    {
        GuestBench bench({.sstc = true});
        CHECK(legacy(bench, SbiExtension::legacy_set_timer, 99) == 0);
        CHECK(csr_read<Csr::vstimecmp>() == 99);
        CHECK(fake_sbi_calls.empty());
    }
    GuestBench bench;
    bench.vcpu().timer_interrupt().set(true);
    CHECK(legacy(bench, SbiExtension::legacy_set_timer, 99) == 0);
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(fake_sbi_calls == std::vector<FakeSbiCall>{{SbiExtension::time, 0, {99}}});
}

TEST_CASE("legacy console putchar and getchar", "[sbi_legacy]") {
    GuestBench bench;
    CHECK(legacy(bench, SbiExtension::legacy_console_putchar, 'h') == 0);
    CHECK(legacy(bench, SbiExtension::legacy_console_putchar, 0xffff'ff00 | 'i') == 0);
    CHECK(bench.console.text == "hi");
    CHECK(legacy(bench, SbiExtension::legacy_console_getchar) == -1);
    bench.type("a\xff");
    CHECK(legacy(bench, SbiExtension::legacy_console_getchar) == 'a');
    CHECK(legacy(bench, SbiExtension::legacy_console_getchar) == 0xff);
    CHECK(legacy(bench, SbiExtension::legacy_console_getchar) == -1);
}

TEST_CASE("legacy clear IPI says whether one was pending", "[sbi_legacy]") {
    GuestBench bench;
    bench.vcpu().software_interrupt().set(true);
    bench.vcpu().timer_interrupt().set(true);
    CHECK(legacy(bench, SbiExtension::legacy_clear_ipi) > 0);
    CHECK(csr_read<Csr::hvip>() == 1 << 6);
    CHECK(legacy(bench, SbiExtension::legacy_clear_ipi) == 0);
}

TEST_CASE("legacy shutdown ends the VM", "[sbi_legacy]") {
    GuestBench bench;
    legacy(bench, SbiExtension::legacy_shutdown);
    CHECK(bench.vm.stopped() == StopReason::power_off);
}

TEST_CASE("legacy calls with hart masks in memory are left out", "[sbi_legacy]") {
    GuestBench bench;
    for (const SbiExtension extension :
         {SbiExtension::legacy_send_ipi, SbiExtension::legacy_remote_fence_i,
          SbiExtension::legacy_remote_sfence_vma, SbiExtension::legacy_remote_sfence_vma_asid}) {
        CHECK(legacy(bench, extension, GuestBench::ram_base) == -2);
    }
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(fake_hart.vvma_fences + fake_hart.instruction_fences == 0);
}
