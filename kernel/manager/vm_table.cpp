// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/vm_table.hpp"

#include <algorithm>

#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/csr_access.hpp"

namespace cairn {

std::string_view to_string(VmTableError error) {
    switch (error) {
        case VmTableError::no_such_vm: return "there is no VM of that name";
        case VmTableError::not_running: return "it is off";
        case VmTableError::running: return "it is running already";
        case VmTableError::not_paused: return "it is not paused";
        case VmTableError::still_pausing: return "it is still being paused: try again";
        case VmTableError::cannot_be_built: return "it could not be started";
    }
    return "";
}

bool VmTable::fill(const Bundle& bundle, HostResources& host, Scheduler& scheduler,
                   ConsoleMultiplexer& console, const Settings& settings) {
    scheduler_ = &scheduler;
    console_ = &console;
    counts_ = settings.counts;
    ticks_per_second_ = host.timebase_hz();
    for (const BundleVm& vm : bundle.vms()) {
        const auto quota = settings.quota.value_or(VmMemory::default_limit(vm.config.memory));
        auto managed = try_allocate_unique<ManagedVm>(allocator<ManagedVm>(), vm, host, scheduler,
                                                      *this, quota);
        if (!managed || !vms_.try_push_back(std::move(managed)) ||
            !names_.try_push_back(vm.config.name)) {
            println("cairn: vm {}: the heap has no room for it", vm.config.name);
            return false;
        }
    }
    return true;
}

/// The first comes to the front.
void VmTable::start_all() {
    const SpinGuard guard(lock_);
    const auto is_wanted = [](const auto& vm) { return vm->config().autostart; };
    if (std::ranges::none_of(vms_, is_wanted)) {
        println("cairn: no VM is started: autostart is off in the vm.conf of each");
        failed_ = true;
    }
    for (const auto& vm : vms_) {
        if (!is_wanted(vm)) continue;
        if (console_->chosen() == nullptr) {
            console_->choose(&vm->channel());
            (void)vm->channel().come_to_front();
        }
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

ManagedVm* VmTable::find(std::string_view name) {
    const auto found = std::ranges::find(vms_, name, [](const auto& vm) { return vm->name(); });
    return found == vms_.end() ? nullptr : found->get();
}

GuestChannel* VmTable::channel(std::string_view name) {
    ManagedVm* const vm = find(name);
    return vm == nullptr ? nullptr : &vm->channel();
}

VmTable::Result VmTable::start(std::string_view name) {
    const SpinGuard guard(lock_);
    ManagedVm* const vm = find(name);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_vm);
    if (vm->is_running()) return std::unexpected(VmTableError::running);
    if (!vm->start(counts_)) return std::unexpected(VmTableError::cannot_be_built);
    ++running_;
    return {};
}

VmTable::Result VmTable::stop(std::string_view name, StopReason reason) {
    const SpinGuard guard(lock_);
    ManagedVm* const vm = find(name);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_vm);
    if (!vm->is_running()) return std::unexpected(VmTableError::not_running);
    if (reason == StopReason::unplugged) stays_ = true;
    vm->vm().stop(reason);
    return {};
}

VmTable::Result VmTable::pause(std::string_view name) {
    const SpinGuard guard(lock_);
    ManagedVm* const vm = find(name);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_vm);
    if (!vm->is_running()) return std::unexpected(VmTableError::not_running);
    if (!vm->vm().is_paused()) vm->vm().pause(csr_read<Csr::time>());
    return {};
}

VmTable::Result VmTable::resume(std::string_view name) {
    const SpinGuard guard(lock_);
    ManagedVm* const vm = find(name);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_vm);
    if (!vm->is_running()) return std::unexpected(VmTableError::not_running);
    if (!vm->vm().is_paused()) return std::unexpected(VmTableError::not_paused);
    if (!vm->vm().resume(csr_read<Csr::time>()))
        return std::unexpected(VmTableError::still_pausing);
    return {};
}

void VmTable::stop_all() {
    const SpinGuard guard(lock_);
    stays_ = false;
    for (const auto& vm : vms_) {
        if (vm->is_running()) vm->vm().stop(StopReason::unplugged);
    }
    if (running_ == 0) scheduler_->close();
}

bool VmTable::goes_on(ManagedVm& vm, StopReason reason) {
    switch (reason) {
        case StopReason::power_off: println("vm {}: powered off", vm.name()); break;
        case StopReason::failed:
            println("vm {}: powered off, and says that it failed", vm.name());
            break;
        case StopReason::killed: break;
        case StopReason::unplugged: println("vm {}: turned off", vm.name()); return false;
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
    one_has_ended(managed);
}

/// Where it was in front, another that runs comes there.
void VmTable::one_has_ended(const ManagedVm& vm) {
    --running_;
    if (running_ == 0 && !stays_) return scheduler_->close();
    if (console_->chosen() != &vm.channel()) return;
    for (const auto& other : vms_) {
        if (!other->is_running()) continue;
        console_->choose(&other->channel());
        if (console_->shows_monitor()) return;
        println("console of {}: Ctrl-] goes to the monitor", other->name());
        (void)console_->show_guest();
        return;
    }
    console_->show_monitor();
}

}  // namespace cairn
