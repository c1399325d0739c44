// SPDX-License-Identifier: MIT
#include "kernel/host/power.hpp"

#include "kernel/arch/hart_operations.hpp"
#include "kernel/arch/sbi_call.hpp"

namespace cairn {

void power_off(Outcome outcome) {
    const SbiResetReason reason =
        outcome == Outcome::success ? SbiResetReason::none : SbiResetReason::system_failure;
    sbi_call(SbiExtension::srst, SbiSrst::system_reset, SbiResetType::shutdown, reason);
    sbi_call(SbiExtension::legacy_shutdown, std::uint64_t{0});
    for (;;) {
        wait_for_interrupt();
    }
}

}  // namespace cairn
