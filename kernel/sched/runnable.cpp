// SPDX-License-Identifier: MIT
#include "kernel/sched/runnable.hpp"

namespace cairn {

namespace {

/// Whatever it waits for.
bool is_held(const Vcpu& vcpu) {
    return vcpu.vm().is_paused() || vcpu.vm().debugging().holds(vcpu.context.hart_id);
}

}  // namespace

bool is_asleep(Vcpu& vcpu) {
    if (is_held(vcpu)) return true;
    const SbiHartState state = vcpu.vm().harts().state(vcpu.context.hart_id);
    if (state == SbiHartState::started) return vcpu.waits_for_interrupt();
    return state != SbiHartState::start_pending;
}

Wakening wakening(Vcpu& vcpu, std::uint64_t time) {
    if (is_held(vcpu)) return {};
    const SbiHartState state = vcpu.vm().harts().state(vcpu.context.hart_id);
    if (state == SbiHartState::start_pending) return {.now = true};
    if (state == SbiHartState::started && !vcpu.waits_for_interrupt()) return {.now = true};
    if (state == SbiHartState::stopped) return {};
    if (vcpu.state().wakes(time - vcpu.vm().time_lag()) != 0) return {.now = true};
    const bool wants_timer = (vcpu.state().csrs.vsie & Sip::STIP::mask) != 0;
    return wants_timer ? Wakening{.deadline = vcpu.host_deadline()} : Wakening{};
}

void bring_in(Vcpu& vcpu) {
    Vm& vm = vcpu.vm();
    if (vm.harts().state(vcpu.context.hart_id) == SbiHartState::start_pending) {
        vcpu.answer_away();  // what came before it begins is not its business
        if (const auto start = vm.harts().begin(vcpu.context.hart_id))
            return vcpu.reset(start->address, start->opaque, vm.features());
    }
    if (vm.harts().state(vcpu.context.hart_id) == SbiHartState::suspended)
        vm.harts().resume(vcpu.context.hart_id);
    vcpu.end_wait();
    vcpu.load();
}

}  // namespace cairn
