// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It runs once per boot or per start of a guest.
#include "kernel/host/boot/power.hpp"

#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/start/guarded_call.hpp"
#include "kernel/host/drivers/console.hpp"

namespace cairn {
namespace {

// QEMU's test device (docs/system/riscv/virt.rst; "sifive,test0"): the low half says how it ended,
// the high half is QEMU's exit status.
constexpr std::uint32_t test_device_fail = 0x3333;
constexpr std::uint32_t failing_status = 1u << 16;
constexpr std::uint64_t patience = 10'000'000;                      // ticks of `time`, 1 s on QEMU
[[gnu::section(".data")]] constinit std::uint64_t test_device = 0;  // needed before .bss is clear

/// QEMU ends a while after the store, with the status of the last request: the firmware's must not
/// overtake this one.
void fail_by_test_device() {
    const bool stored = completes([] {
        *reinterpret_cast<volatile std::uint32_t*>(test_device) = test_device_fail | failing_status;
    });
    if (!stored) return;
    const std::uint64_t begin = csr_read<Csr::time>();
    while (csr_read<Csr::time>() - begin < patience) {
    }
}

}  // namespace

void use_test_device(const std::optional<MachineDevice>& device) {
    test_device = device ? device->registers.base.value : 0;
}

void power_off(Outcome outcome) {
    console_flush();
    if (outcome == Outcome::failure && test_device != 0) fail_by_test_device();
    const SbiResetReason reason =
        outcome == Outcome::success ? SbiResetReason::none : SbiResetReason::system_failure;
    sbi_call(SbiExtension::srst, SbiSrst::system_reset, SbiResetType::shutdown, reason);
    sbi_call(SbiExtension::legacy_shutdown, std::uint64_t{0});
    for (;;) {
        wait_for_interrupt();
    }
}

}  // namespace cairn
