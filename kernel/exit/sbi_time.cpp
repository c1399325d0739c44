// SPDX-License-Identifier: MIT
// SBI specification, chapter "Timer Extension". With Sstc the guest's comparator is in the hart;
// without, the host's timer stands in for it and its interrupt becomes the guest's.
#include "kernel/exit/sbi.hpp"
#include "kernel/host/host_timer.hpp"

namespace cairn {

void set_guest_timer(Vm& vm, Vcpu& vcpu, std::uint64_t deadline) {
    vcpu.pmu().count(SbiFirmwareEvent::set_timer);
    if (vm.features().sstc) {
        vcpu.set_timer(deadline);
        return;
    }
    vcpu.timer_interrupt().set(false);
    arm_host_timer(deadline);
}

SbiResult sbi_time(Vm& vm, Vcpu& vcpu, SbiCall call) {
    if (static_cast<SbiTime>(call.function) != SbiTime::set_timer) {
        return sbi_error(SbiError::not_supported);
    }
    set_guest_timer(vm, vcpu, call.arguments[0]);
    return sbi_success();
}

}  // namespace cairn
