// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
// SBI specification, chapter "System Reset Extension".
#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {
namespace {

/// "At least one of reset_type or reset_reason is reserved or is platform-specific and
/// unimplemented": no specific ones are implemented.
bool is_valid_reason(std::uint64_t reason) {
    return reason <= static_cast<std::uint64_t>(SbiResetReason::system_failure);
}

}  // namespace

SbiResult sbi_srst(Vm& vm, Vcpu&, SbiCall call) {
    if (static_cast<SbiSrst>(call.function) != SbiSrst::system_reset) {
        return sbi_error(SbiError::not_supported);
    }
    const std::uint64_t type = call.arguments[0] & 0xffff'ffff;  // both are 32-bit parameters
    const std::uint64_t reason = call.arguments[1] & 0xffff'ffff;
    if (!is_valid_reason(reason)) return sbi_error(SbiError::invalid_param);
    const bool has_failed = reason == static_cast<std::uint64_t>(SbiResetReason::system_failure);
    switch (static_cast<SbiResetType>(type)) {
        case SbiResetType::shutdown: vm.power_off(has_failed, 0); return sbi_success();
        case SbiResetType::cold_reboot:
        case SbiResetType::warm_reboot:
            vm.stop(has_failed ? StopReason::failed_reset : StopReason::reset);
            return sbi_success();
    }
    return sbi_error(SbiError::invalid_param);
}

}  // namespace cairn
