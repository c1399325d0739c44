// SPDX-License-Identifier: MIT
#include "kernel/sched/runnable.hpp"

#include "kernel/arch/csr_access.hpp"
#include "kernel/arch/hart_operations.hpp"
#include "kernel/host/cpu/host_timer.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"

namespace cairn {
namespace {

/// What came before it begins is not its business.
bool begin(Vm& vm, Vcpu& vcpu) {
    vcpu.answer_away();
    const auto start = vm.harts().begin(vcpu.context.hart_id);
    if (!start) return false;
    vcpu.reset(start->address, start->opaque, vm.features());
    return true;
}

/// As wfi would in the guest. The host's timer ends the sleep at the guest's deadline.
bool wake(Vm& vm, Vcpu& vcpu) {
    if (vcpu.is_here()) {
        vcpu.vacate();
        arm_host_timer(vcpu.state().csrs.vstimecmp);
    }
    if (vcpu.state().wakes(csr_read<Csr::time>()) == 0) return false;
    disarm_host_timer();
    vm.harts().resume(vcpu.context.hart_id);
    vcpu.load();
    return true;
}

/// Serves one interrupt of the host, or sleeps until there is one. What comes after the look at sip
/// ends the wfi at once. A vCPU whose state lies here waits for fences of others, awake: nobody
/// tells it of their end.
void serve_or_sleep(Vcpu& vcpu) {
    if (vcpu.is_here()) {
        if (vcpu.is_asked()) vcpu.answer();
        return;
    }
    const std::uint64_t pending = csr_read<Csr::sip>() & csr_read<Csr::sie>();
    if (Sip::SSIP::get(pending)) return vcpu.answer_away();
    if (Sip::STIP::get(pending)) return disarm_host_timer();
    if (Sip::SEIP::get(pending)) return host_interrupts().serve_next();
    wait_for_interrupt();
}

}  // namespace

bool make_runnable(Vm& vm, Vcpu& vcpu) {
    switch (vm.harts().state(vcpu.context.hart_id)) {
        case SbiHartState::started: return vcpu.is_fence_done();
        case SbiHartState::start_pending: return begin(vm, vcpu);
        case SbiHartState::suspended: return wake(vm, vcpu);
        default: return false;
    }
}

bool until_runnable(Vm& vm, Vcpu& vcpu) {
    for (;;) {
        vcpu.enter_next();
        if (vm.stopped()) return false;
        if (make_runnable(vm, vcpu)) return true;
        serve_or_sleep(vcpu);
    }
}

}  // namespace cairn
