// SPDX-License-Identifier: MIT
// SBI specification, chapter "Hart State Management Extension", for a guest of one hart, which is
// started with the VM.
#include "kernel/arch/hart_operations.hpp"
#include "kernel/exit/sbi.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t default_retentive = 0x0000'0000;  // table "HSM hart suspend types"
constexpr std::uint64_t default_non_retentive = 0x8000'0000;

[[gnu::noinline]] SbiResult start(Vm& vm, SbiCall call) {
    if (call.arguments[0] != 0) return sbi_error(SbiError::invalid_param);
    if (!vm.memory().bytes(GuestPhys{call.arguments[1]}, 4)) {
        return sbi_error(SbiError::invalid_address);
    }
    return sbi_error(SbiError::already_available);
}

[[gnu::noinline]] SbiResult suspend(Vm& vm, Vcpu& vcpu, SbiCall call) {
    const std::uint64_t type = call.arguments[0] & 0xffff'ffff;
    if (type == default_retentive) {
        wait_for_interrupt();
        return sbi_success();
    }
    if (type != default_non_retentive) return sbi_error(SbiError::invalid_param);
    const std::uint64_t resume_at = call.arguments[1];
    if (!vm.memory().bytes(GuestPhys{resume_at}, 4)) return sbi_error(SbiError::invalid_address);
    const std::uint64_t opaque = call.arguments[2];
    wait_for_interrupt();
    vcpu.resume(resume_at);
    // The hart wakes as if started, with its id in a0 and `opaque` in a1, where a result would be.
    return {static_cast<long>(vcpu.hart_id()), opaque};
}

}  // namespace

SbiResult sbi_hsm(Vm& vm, Vcpu& vcpu, SbiCall call) {
    switch (static_cast<SbiHsm>(call.function)) {
        case SbiHsm::hart_start: return start(vm, call);
        case SbiHsm::hart_stop:  // nobody is left who could start it again
            vm.stop(StopReason::power_off);
            return sbi_success();
        case SbiHsm::hart_get_status:
            if (call.arguments[0] != 0) return sbi_error(SbiError::invalid_param);
            return sbi_success(static_cast<unsigned long>(SbiHartState::started));
        case SbiHsm::hart_suspend: return suspend(vm, vcpu, call);
    }
    return sbi_error(SbiError::not_supported);
}

}  // namespace cairn
