// SPDX-License-Identifier: MIT
// Compiled: for the target alone. It touches the machine's own devices and memory.
#include "kernel/sched/hart_loop.hpp"

#include "kernel/arch/csr_access.hpp"
#include "kernel/arch/hart_operations.hpp"
#include "kernel/host/cpu/host_timer.hpp"
#include "kernel/sched/runnable.hpp"

namespace cairn {
namespace {

constinit thread_local VmidFlushes vmid_flushes;

}  // namespace

void run_vcpu(Vcpu& vcpu) {
    Vm& vm = vcpu.vm();
    csr_write<Csr::hgatp>(vm.hgatp());
    if (vmid_flushes.must_flush_for(vm.vmid())) hfence_gvma_all();
    vcpu.forget_requests();
    while (until_runnable(vm, vcpu))
        enter_guest(&vcpu.context);
    if (vcpu.is_here()) {
        vcpu.quiesce(vm.features());
        vcpu.drop();
    }
    disarm_host_timer();
    csr_write<Csr::hgatp>(0);
}

}  // namespace cairn
