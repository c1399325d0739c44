// SPDX-License-Identifier: MIT
#include "kernel/exit/host_wait.hpp"

#include "kernel/arch/csr_access.hpp"
#include "kernel/arch/hart_operations.hpp"
#include "kernel/exit/handle_exit.hpp"
#include "kernel/host/cpu/host_timer.hpp"

namespace cairn {
namespace {

/// Serves one interrupt of the host, or sleeps until there is one. What comes after the look at
/// sip ends the wfi at once. The vCPU lies in no hart.
void serve_or_sleep(Vm& vm, Vcpu& vcpu) {
    const std::uint64_t pending = csr_read<Csr::sip>() & csr_read<Csr::sie>();
    if (Sip::SSIP::get(pending)) return vcpu.answer_away();
    if (Sip::STIP::get(pending)) return disarm_host_timer();
    if (Sip::SEIP::get(pending)) return handle_external_interrupt(vm);
    wait_for_interrupt();
}

}  // namespace

bool wait_for_start(Vm& vm, Vcpu& vcpu) {
    while (!vm.stopped()) {
        if (vcpu.is_asked()) vcpu.answer_away();  // what came before it begins is not its business
        if (const auto start = vm.harts().begin(vcpu.context.hart_id)) {
            vcpu.reset(start->address, start->opaque, vm.features());
            return true;
        }
        serve_or_sleep(vm, vcpu);
    }
    return false;
}

void wait_for_guest_interrupt(Vm& vm, Vcpu& vcpu) {
    vcpu.vacate();
    arm_host_timer(vcpu.state().csrs.vstimecmp);
    while (!vm.stopped() && vcpu.state().wakes(csr_read<Csr::time>()) == 0)
        serve_or_sleep(vm, vcpu);
    disarm_host_timer();
}

void wait_for_fence(Vm& vm, Vcpu& vcpu) {
    while (!vcpu.fence_mail().all_have_fenced() && !vm.stopped()) {
        if (vcpu.is_asked()) vcpu.answer();  // others may be waiting for a fence of this hart's
    }
}

}  // namespace cairn
