// SPDX-License-Identifier: MIT
// SBI specification, chapter "Hart State Management Extension". A hart that is stopped or suspended
// leaves its guest; kernel/sched/ finds what it waits for.
#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t default_retentive = 0x0000'0000;  // table "HSM hart suspend types"
constexpr std::uint64_t default_non_retentive = 0x8000'0000;

/// What a hart finds in a0 and a1 where it begins or resumes, in place of a result.
SbiResult beginning(const Vcpu& vcpu, std::uint64_t opaque) {
    return {static_cast<long>(vcpu.hart_id()), opaque};
}

// Calls that change a hart's state are out of line, so that others do not pay for their frames.
// Shaped for: "SBI hart_get_status".
[[gnu::noinline]] SbiResult start(Vm& vm, SbiCall call) {
    const std::uint64_t hart = call.arguments[0];
    if (hart >= vm.cpus()) return sbi_error(SbiError::invalid_param);
    if (!is_start_address(vm, call.arguments[1])) return sbi_error(SbiError::invalid_address);
    const auto number = static_cast<std::uint32_t>(hart);
    const HartStartArguments arguments{.address = call.arguments[1], .opaque = call.arguments[2]};
    if (!vm.harts().start(number, arguments)) return sbi_error(SbiError::already_available);
    vm.vcpu(number).request(Request::look);
    return sbi_success();
}

[[gnu::noinline]] SbiResult stop(Vm& vm, Vcpu& vcpu) {
    vcpu.quiesce(vm.features());
    if (!vm.harts().stop(vcpu.context.hart_id)) {  // nobody is left who could start it again
        vm.stop(StopReason::power_off);
    }
    vcpu.drop();  // it begins anew
    vcpu.leave_guest();
    return sbi_success();
}

void sleep(Vm& vm, Vcpu& vcpu) {
    vm.harts().suspend(vcpu.context.hart_id);
    vcpu.leave_guest();
}

[[gnu::noinline]] SbiResult suspend(Vm& vm, Vcpu& vcpu, SbiCall call) {
    const std::uint64_t type = call.arguments[0] & 0xffff'ffff;
    if (type == default_retentive) {
        sleep(vm, vcpu);
        return sbi_success();
    }
    if (type != default_non_retentive) return sbi_error(SbiError::invalid_param);
    if (!is_start_address(vm, call.arguments[1])) return sbi_error(SbiError::invalid_address);
    return suspend_hart(vm, vcpu, call.arguments[1], call.arguments[2]);
}

}  // namespace

/// There must be RAM for an instruction, which may be compressed, where instructions can begin.
bool is_start_address(Vm& vm, std::uint64_t address) {
    constexpr std::uint64_t parcel = 2;
    return address % parcel == 0 && vm.memory().holds(GuestPhys{address}, parcel);
}

SbiResult suspend_hart(Vm& vm, Vcpu& vcpu, std::uint64_t address, std::uint64_t opaque) {
    vcpu.resume(address);
    sleep(vm, vcpu);
    return beginning(vcpu, opaque);
}

SbiResult sbi_hsm(Vm& vm, Vcpu& vcpu, SbiCall call) {
    switch (static_cast<SbiHsm>(call.function)) {
        case SbiHsm::hart_start: return start(vm, call);
        case SbiHsm::hart_stop: return stop(vm, vcpu);
        case SbiHsm::hart_get_status:
            if (call.arguments[0] >= vm.cpus()) return sbi_error(SbiError::invalid_param);
            return sbi_success(static_cast<unsigned long>(
                vm.harts().state(static_cast<std::uint32_t>(call.arguments[0]))));
        case SbiHsm::hart_suspend: return suspend(vm, vcpu, call);
    }
    return sbi_error(SbiError::not_supported);
}

}  // namespace cairn
