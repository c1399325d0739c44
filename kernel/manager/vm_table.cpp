// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/vm_table.hpp"

#include <algorithm>

#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/csr_access.hpp"

namespace cairn {

bool VmTable::fill(const Bundle& bundle, HostResources& host, Scheduler& scheduler,
                   const Settings& settings) {
    scheduler_ = &scheduler;
    counts_ = settings.counts;
    ticks_per_second_ = host.timebase_hz();
    for (const BundleVm& vm : bundle.vms()) {
        const auto quota = settings.quota.value_or(VmMemory::default_limit(vm.config.memory));
        auto managed = try_allocate_unique<ManagedVm>(allocator<ManagedVm>(), vm, host, scheduler,
                                                      *this, quota);
        if (!managed || !vms_.try_push_back(std::move(managed))) {
            println("cairn: the heap has no room for {} VMs", bundle.vms().size());
            return false;
        }
    }
    return true;
}

void VmTable::start_all() {
    const SpinGuard guard(lock_);
    const auto is_wanted = [](const auto& vm) { return vm->config().autostart; };
    if (std::ranges::none_of(vms_, is_wanted)) {
        println("cairn: no VM is started: autostart is off in the vm.conf of each");
        failed_ = true;
    }
    for (const auto& vm : vms_) {
        if (!is_wanted(vm)) continue;
        if (vm->start(counts_)) {
            ++running_;
        } else {
            failed_ = true;
        }
    }
    if (running_ == 0) scheduler_->close();
}

ManagedVm& VmTable::find(const Vm& vm) {
    const auto found = std::ranges::find_if(
        vms_, [&](const auto& each) { return each->is_running() && &each->vm() == &vm; });
    require(found != vms_.end(), "a VM that runs is in the table");
    return **found;
}

bool VmTable::goes_on(ManagedVm& vm, StopReason reason) {
    switch (reason) {
        case StopReason::power_off: println("vm {}: powered off", vm.name()); break;
        case StopReason::failed:
            println("vm {}: powered off, and says that it failed", vm.name());
            break;
        case StopReason::killed: break;
        case StopReason::reset: println("vm {}: reset", vm.name()); return true;
    }
    const bool has_failed = reason != StopReason::power_off;
    switch (vm.ask_to_restart(has_failed, csr_read<Csr::time>(), ticks_per_second_)) {
        case RestartGuard::Answer::restart:
            println("vm {}: starts again: restart = {}", vm.name(),
                    restart_policies[static_cast<std::size_t>(vm.config().restart)]);
            return true;
        case RestartGuard::Answer::too_often:
            println("vm {}: stays off: it has ended {} times, each within {} s of its start",
                    vm.name(), RestartGuard::most_in_a_row + 1, RestartGuard::seconds);
            failed_ = true;
            return false;
        case RestartGuard::Answer::stay_off: break;
    }
    failed_ = failed_ || has_failed;
    return false;
}

void VmTable::all_have_left(Vm& vm) {
    const SpinGuard guard(lock_);
    ManagedVm& managed = find(vm);
    if (goes_on(managed, vm.stopped().value_or(StopReason::killed))) {
        if (managed.start_again()) return;
        failed_ = true;
    } else {
        managed.destroy();
    }
    one_has_ended();
}

void VmTable::one_has_ended() {
    if (--running_ == 0) scheduler_->close();
}

}  // namespace cairn
