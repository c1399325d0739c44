// SPDX-License-Identifier: MIT
// SBI specification, chapter "Timer Extension". With Sstc the guest's comparator is in the hart;
// without, the host's timer stands in for it and its interrupt becomes the guest's.
#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {

void set_guest_timer(Vcpu& vcpu, std::uint64_t deadline) {
    vcpu.pmu().count(SbiFirmwareEvent::set_timer);
    vcpu.set_timer(deadline);
}

SbiResult sbi_time(Vm&, Vcpu& vcpu, SbiCall call) {
    if (static_cast<SbiTime>(call.function) != SbiTime::set_timer) {
        return sbi_error(SbiError::not_supported);
    }
    set_guest_timer(vcpu, call.arguments[0]);
    return sbi_success();
}

}  // namespace cairn
