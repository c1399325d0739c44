// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
// How VMs of the table end, and what follows.
#include "kernel/manager/vm_table.hpp"

#include <cairn/print.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/vm/exits/last_exits.hpp"

namespace cairn {
namespace {

void say_what_was_hidden(ManagedVm& vm) {
    const std::uint64_t lines = vm.lines().take_hidden();
    if (lines != 0)
        println("vm {}: {} lines not shown: it has reset itself so often", vm.name(), lines);
}

/// Of its whole run, resets included.
void say_hidden_complaints(ManagedVm& vm) {
    const std::uint64_t lines = vm.vm().hidden_complaints();
    if (lines != 0) println("vm {}: {} more lines about its faults not shown", vm.name(), lines);
}

}  // namespace

/// Unless it resets itself all the time.
void VmTable::say_reset(ManagedVm& vm) {
    if (!vm.lines().take(csr_read<Csr::time>(), ticks_per_second_)) return;
    say_what_was_hidden(vm);
    println("vm {}: reset", vm.name());
}

/// Why it has ended, and what it did last.
void VmTable::say_end(ManagedVm& vm, StopReason reason) {
    if (reason == StopReason::reset) return say_reset(vm);
    // The guest goes on behind that, and may do so again and again.
    if (reason == StopReason::failed_reset &&
        !vm.lines().take(csr_read<Csr::time>(), ticks_per_second_))
        return;
    say_what_was_hidden(vm);
    say_hidden_complaints(vm);
    switch (reason) {
        case StopReason::power_off: println("vm {}: powered off", vm.name()); break;
        case StopReason::failed:
            println("vm {}: powered off, and says that it failed", vm.name());
            break;
        case StopReason::failed_reset:
            println("vm {}: reset, and says that it failed", vm.name());
            break;
        case StopReason::unplugged: println("vm {}: turned off", vm.name()); break;
        case StopReason::killed:
        case StopReason::reset: break;
    }
    if (is_crash(reason)) log_last_exits(vm.vm(), ticks_per_second_);
}

/// As its vm.conf says where the guest or whoever rules the machine has not.
bool VmTable::goes_on(ManagedVm& vm, StopReason reason) {
    if (reason == StopReason::reset || reason == StopReason::failed_reset) return true;
    if (reason == StopReason::unplugged) return false;
    const VmConfig& config = vm.config();
    const bool has_failed = is_crash(reason);
    const bool restarts_it =
        has_failed ? restarts(config.on_crash) : config.on_power_off == PowerOffPolicy::restart;
    if (!restarts_it) {
        failed_ = failed_ || has_failed;
        return false;
    }
    if (vm.restarts().may_restart(csr_read<Csr::time>(), ticks_per_second_)) {
        println("vm {}: starts again: {} = {}", vm.name(), has_failed ? "on-crash" : "on-power-off",
                has_failed ? crash_policies[static_cast<std::size_t>(config.on_crash)]
                           : power_off_policies[static_cast<std::size_t>(config.on_power_off)]);
        return true;
    }
    println("vm {}: stays off: it has ended {} times, each within {} s of its start", vm.name(),
            RestartGuard::most_in_a_row + 1, RestartGuard::seconds);
    failed_ = true;
    return false;
}

/// One that hangs has failed.
void VmTable::watch() {
    const std::uint64_t now = csr_read<Csr::time>();
    watchdog_.begin();
    for (const auto& vm : vms_) {
        if (!watchdog_.watch(*vm, *scheduler_, now, ticks_per_second_)) continue;
        println(
            "vm {}: stopped: it hangs: for {} s no vCPU has taken an interrupt that it waits for",
            vm->name(), vm->config().watchdog);
        vm->vm().stop(StopReason::killed);
    }
    watchdog_.end();
}

void VmTable::all_have_left(Vm& vm) {
    const SpinGuard guard(lock_);
    has_stopped(find(vm));
}

/// No hart runs it. What is being written to a disk of it is let come to its end first.
void VmTable::has_stopped(ManagedVm& vm) {
    const StopReason reason = vm.vm().stopped().value_or(StopReason::killed);
    say_end(vm, reason);
    if (vm.dump() != nullptr) return end_behind_others(vm, reason);
    if (!dump_crash(vm, reason)) end_run(vm, reason);
}

/// Once its devices have let go of its memory; none of them is waited for here.
void VmTable::end_run(ManagedVm& vm, StopReason reason) {
    constexpr std::uint64_t looks_per_second = 10'000;
    if (!vm.vm().devices_let_go()) {
        vm.end_for(reason);
        ends_due_ = csr_read<Csr::time>() + ticks_per_second_ / looks_per_second;
        return;
    }
    if (goes_on(vm, reason)) {
        if (vm.load_again()) {
            ++loading_;
            return;
        }
        failed_ = true;
    }
    vm.destroy();
    one_has_ended(vm);
}

void VmTable::end_those_that_wait() {
    ends_due_ = when_asked;
    for (const auto& vm : vms_) {
        if (vm->is_running() && vm->end_reason() && vm->dump() == nullptr)
            end_run(*vm, *vm->end_reason());
    }
}

void VmTable::one_has_ended(const ManagedVm& vm) {
    --running_;
    if (running_ == 0 && !stays_) return scheduler_->close();
    if (console_->chosen() == &vm.channel()) replace_in_front(vm);
}

}  // namespace cairn
