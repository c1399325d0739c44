// SPDX-License-Identifier: MIT
// Compiled: small. It runs a few times a minute.
#include "kernel/manager/watchdog.hpp"

#include <algorithm>

#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {

/// Under the scheduler's lock, on any hart.
void Watchdog::at_rest(Vcpu& vcpu) {
    if (asked_.load(std::memory_order_relaxed) != &vcpu) return;  // of a round that was given up
    Vm& vm = vcpu.vm();
    found_ = look_at(vcpu.state(), csr_read<Csr::time>() - vm.time_lag());
    const auto state = vm.harts().state(static_cast<std::uint32_t>(vcpu.hart_id()));
    found_.is_started = state == SbiHartState::started || state == SbiHartState::suspended;
    found_.sleeps = vcpu.waits_for_interrupt() || state == SbiHartState::suspended;
    look_.store(Look::taken, std::memory_order_release);
    wanted_.store(true, std::memory_order_release);
}

/// Not while it stands still, or nothing runs yet.
bool Watchdog::is_watched(const ManagedVm& vm) const {
    return vm.config().watchdog != 0 && vm.state() == VmState::running &&
           !vm.built()->vm->stopped();
}

bool Watchdog::watch(ManagedVm& vm, Scheduler& scheduler, std::uint64_t now,
                     std::uint64_t ticks_per_second) {
    const std::uint64_t period = vm.config().watchdog * ticks_per_second;
    if (!is_watched(vm)) {
        forget(vm);
        if (period == 0 || !vm.is_running()) return false;
        vm.watching().detector.forget();
        // It may go on without a word.
        next_ = std::min(next_, now + period / HangDetector::looks_per_period);
        return false;
    }
    ManagedVm::Watch& watch = vm.watching();
    if (watch.next == 0) watch.next = now + period / HangDetector::looks_per_period;
    if (vm_ == nullptr && watch.next <= now) {
        vm_ = &vm;
        cpu_ = 0;
        look_.store(Look::none, std::memory_order_relaxed);
        watch.detector.begin_round();
        watch.next = now + period / HangDetector::looks_per_period;
    }
    const bool hangs = vm_ == &vm && go_on(vm, scheduler, now, period);
    next_ = std::min(next_, vm_ != nullptr ? asked_until_ : watch.next);
    return hangs;
}

/// Looks at as many of its vCPUs as can be looked at at once.
bool Watchdog::go_on(ManagedVm& vm, Scheduler& scheduler, std::uint64_t now, std::uint64_t period) {
    ManagedVm::Watch& watch = vm.watching();
    while (cpu_ < vm.vm().cpus()) {
        const Task& task = vm.task(cpu_);
        if (look_.load(std::memory_order_acquire) == Look::taken) {
            found_.ran = task.ran.load(std::memory_order_relaxed);
            watch.detector.take(cpu_, found_);
            look_.store(Look::none, std::memory_order_relaxed);
            ++cpu_;
            continue;
        }
        const bool is_asked = look_.load(std::memory_order_relaxed) == Look::asked;
        if (is_asked && now < asked_until_) return false;
        // First: it may be answered within the call.
        asked_.store(&task.vcpu, std::memory_order_relaxed);
        look_.store(Look::asked, std::memory_order_relaxed);
        asked_until_ = now + scheduler.turn();
        if (!scheduler.try_observe(task, *this)) {
            look_.store(Look::none, std::memory_order_relaxed);
            return false;
        }
        if (look_.load(std::memory_order_acquire) != Look::taken) return false;
    }
    vm_ = nullptr;
    return watch.detector.ends_round(now, period);
}

}  // namespace cairn
