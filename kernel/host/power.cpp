// SPDX-License-Identifier: MIT
#include "kernel/host/power.hpp"

#include "kernel/arch/hart_operations.hpp"
#include "kernel/arch/sbi_call.hpp"

namespace cairn {
namespace {

// QEMU's test device (docs/system/riscv/virt.rst; "sifive,test0"): the low half says how it ended,
// the high half is QEMU's exit status.
constexpr std::uint32_t test_device_fail = 0x3333;
constexpr std::uint32_t failing_status = 1u << 16;
constinit std::uint64_t test_device = 0;

}  // namespace

void use_test_device(const Machine& machine) {
    if (machine.test_device) test_device = machine.test_device->base.value;
}

void power_off(Outcome outcome) {
    if (outcome == Outcome::failure && test_device != 0) {
        *reinterpret_cast<volatile std::uint32_t*>(test_device) = test_device_fail | failing_status;
    }
    const SbiResetReason reason =
        outcome == Outcome::success ? SbiResetReason::none : SbiResetReason::system_failure;
    sbi_call(SbiExtension::srst, SbiSrst::system_reset, SbiResetType::shutdown, reason);
    sbi_call(SbiExtension::legacy_shutdown, std::uint64_t{0});
    for (;;) {
        wait_for_interrupt();
    }
}

}  // namespace cairn
