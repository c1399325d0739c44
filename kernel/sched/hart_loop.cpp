// SPDX-License-Identifier: MIT
#include "kernel/sched/hart_loop.hpp"

#include <algorithm>
#include <utility>

#include "kernel/arch/guest/guest_state.hpp"
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/host/cpu/host_timer.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"
#include "kernel/sched/runnable.hpp"

namespace cairn {
namespace {

std::uint64_t now() {
    return csr_read<Csr::time>();
}

bool is_over(std::uint64_t due) {
    return due == HostWork::at_once || (due != HostWork::when_asked && due <= now());
}

}  // namespace

void HartLoop::run() {
    while (!scheduler_.is_closed()) {
        const bool served = serve_interrupts();
        Others others = look_after_others();
        Scheduler::Next next = scheduler_.take(number_, now());
        if (next.task != nullptr) {
            do {
                next = run(next, others);
            } while (next.task != nullptr);
        } else if (!served && !others.worked.any) {
            arm_host_timer(TimerUse::scheduler, std::min(others.worked.next, others.wakes));
            silence_guest_interrupts();
            wait_for_interrupt();  // what has come since the look at sip ends it at once
        }
    }
    disarm_host_timer(TimerUse::scheduler);
}

/// And its VM's table: another hart may end the VM as soon as the scheduler has the task back.
void HartLoop::take_out(Vcpu& vcpu) {
    if (vcpu.is_here()) vcpu.put_away();
    csr_write<Csr::hgatp>(0);
}

/// Of the host, while no guest runs. Whoever interrupted the hart for a vCPU has rung its bell
/// before, which is looked at behind this.
bool HartLoop::serve_interrupts() {
    const std::uint64_t pending = csr_read<Csr::sip>() & csr_read<Csr::sie>();
    if (Sip::SSIP::get(pending)) {
        csr_clear<Csr::sip>(Sip::SSIP::mask);
        fence_csrs_and_memory();
    }
    if (Sip::STIP::get(pending)) (void)take_expired_timers();
    if (Sip::SEIP::get(pending)) host_interrupts().serve_next();
    return pending != 0;
}

HartLoop::Worked HartLoop::do_work() {
    std::uint64_t first = HostWork::when_asked;
    for (const HostWork* const work : works_)
        first = std::min(first, work->due());
    return is_over(first) ? do_pieces() : Worked{.next = first};
}

/// A piece of each that is due. One may want another that comes before it.
HartLoop::Worked HartLoop::do_pieces() {
    Worked worked;
    for (HostWork* const work : works_) {
        std::uint64_t due = work->due();
        if (is_over(due)) {
            worked.any |= work->run();
            due = work->due();
        }
        if (due != HostWork::at_once) worked.next = std::min(worked.next, due);
    }
    worked.more = std::ranges::any_of(works_, is_over, &HostWork::due);
    return worked;
}

HartLoop::Others HartLoop::look_after_others() {
    const Worked worked = do_work();
    return {.worked = worked, .wakes = wake_sleepers()};
}

std::uint64_t HartLoop::wake_sleepers() {
    std::uint64_t deadline = never;
    for (auto each = sleepers_.begin(); each != sleepers_.end();) {
        Task& task = *each++;
        Vcpu& vcpu = task.vcpu;
        if (vcpu.is_asked()) vcpu.answer_away();
        const Wakening next = wakening(vcpu, now());
        if (next.now || vcpu.vm().stopped()) {
            task.unlink();
            scheduler_.wake(task, now(), number_);
        } else {
            deadline = std::min(deadline, next.deadline);
        }
    }
    return deadline;
}

/// Whether there is something to look after since they were: whatever comes for a task that sleeps
/// here, or wants work done, interrupts the hart.
bool HartLoop::has_come(const Others& others) {
    return others.worked.more || (csr_read<Csr::sip>() & csr_read<Csr::sie>()) != 0;
}

/// What comes next, if nothing else has come meanwhile.
Scheduler::Next HartLoop::run(const Scheduler::Next& turn, Others& others) {
    Task& task = *turn.task;
    Vcpu& vcpu = task.vcpu;
    Vm& vm = vcpu.vm();
    if (vm.stopped()) return retire(task);
    vcpu.answer_on(scheduler_.target(number_));
    if (is_asleep(vcpu) && !wakening(vcpu, now()).now) return put_to_sleep(task, false, others);
    csr_write<Csr::hgatp>(vm.hgatp());
    if (vmid_flushes_.must_flush_for(vm.vmid())) hfence_gvma_all();
    bring_in(vcpu);
    const std::uint64_t waited = task.waited;
    const std::uint64_t stolen = waited - std::exchange(task.waited_told, waited);
    if (vcpu.steal_time().is_told())
        vcpu.steal_time().note_run(scheduler_.nanoseconds(stolen), vm.memory());
    return enter(turn, others);
}

/// From the first entry of a turn to its end. The others have been looked after just now: what has
/// come since then comes as an interrupt, unless the vCPU's answer has ended that, or somebody was
/// shown a vCPU.
Scheduler::Next HartLoop::enter(const Scheduler::Next& turn, Others& others) {
    Task& task = *turn.task;
    Vcpu& vcpu = task.vcpu;
    Vm& vm = vcpu.vm();
    bool has_to_look = true;
    bool is_begin = !turn.has_shown;
    for (;;) {
        has_to_look |= vcpu.enter_next();
        if (vm.stopped()) return retire(task);
        // A hart that has stopped is nowhere, also where another has started it again meanwhile.
        if (!vcpu.is_here()) return put_to_sleep(task, false, others);
        if (vcpu.is_asked()) {
            vcpu.answer();
            has_to_look = true;
            is_begin = false;
        }
        if (is_asleep(vcpu)) return put_to_sleep(task, !has_to_look, others);
        if (!vcpu.is_fence_done()) continue;
        if (!std::exchange(has_to_look, false)) {
            enter_guest(&vcpu.context);
            continue;
        }
        std::uint64_t end = turn.turn_end;
        if (!std::exchange(is_begin, false)) {
            others = look_after_others();
            if (vcpu.leaves_guest()) continue;  // some work was about this one
            const Scheduler::Turn now_on = scheduler_.look(number_, now());
            if (now_on.is_over) {
                vcpu.steal_time().note_preemption(vm.memory());
                take_out(vcpu);
                return scheduler_.pass_on(number_, Scheduler::Leaving::waits, now());
            }
            end = now_on.end;
        }
        // Work waits like another task would.
        share_hart(vcpu, others,
                   others.worked.more ? std::min(end, now() + scheduler_.turn()) : end);
        enter_guest(&vcpu.context);
    }
}

/// Until `end`, or for good.
void HartLoop::share_hart(Vcpu& vcpu, const Others& others, std::uint64_t end) {
    arm_host_timer(TimerUse::scheduler, std::min({end, others.wakes, others.worked.next}));
    const bool has_others = !sleepers_.empty() || others.worked.next != never;
    vcpu.share_hart(end != never ? HartUse::wanted
                    : has_others ? HartUse::watched
                                 : HartUse::alone);
}

/// `are_looked_after`: nothing has come for the others since they were.
Scheduler::Next HartLoop::put_to_sleep(Task& task, bool are_looked_after, Others& others) {
    Vcpu& vcpu = task.vcpu;
    if (vcpu.is_here() && vcpu.vm().is_paused()) vcpu.vm().note_pause(now());
    take_out(vcpu);
    sleepers_.push_back(task);
    const Wakening next = wakening(vcpu, now());
    if (!are_looked_after || next.now || has_come(others)) {
        scheduler_.release(number_, now());
        return {};
    }
    others.wakes = std::min(others.wakes, next.deadline);
    return scheduler_.pass_on(number_, Scheduler::Leaving::sleeps, now());
}

Scheduler::Next HartLoop::retire(Task& task) {
    Vcpu& vcpu = task.vcpu;
    if (vcpu.is_here()) vcpu.retire(vcpu.vm().features());
    take_out(vcpu);
    scheduler_.release(number_, now());
    task.group.leave();
    return {};
}

}  // namespace cairn
