// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
// SBI specification, chapter "System Suspend Extension". To a guest with one hart left, the
// suspension of its system is that of the hart: it ends when an interrupt is pending that the guest
// has enabled.
#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t suspend_to_ram = 0;  // table "SUSP System Sleep Types"

}  // namespace

SbiResult sbi_susp(Vm& vm, Vcpu& vcpu, SbiCall call) {
    if (static_cast<SbiSusp>(call.function) != SbiSusp::system_suspend) {
        return sbi_error(SbiError::not_supported);
    }
    if ((call.arguments[0] & 0xffff'ffff) != suspend_to_ram) {  // 32 bits wide
        return sbi_error(SbiError::invalid_param);
    }
    if (!is_start_address(vm, call.arguments[1])) return sbi_error(SbiError::invalid_address);
    if (!vm.harts().is_alone(vcpu.context.hart_id)) return sbi_error(SbiError::denied);
    return suspend_hart(vm, vcpu, call.arguments[1], call.arguments[2]);
}

}  // namespace cairn
