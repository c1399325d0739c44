// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/vm_table.hpp"

#include <algorithm>

#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/vm/exits/last_exits.hpp"

namespace cairn {

std::string_view to_string(VmTableError error) {
    switch (error) {
        case VmTableError::no_such_vm: return "there is no VM of that name";
        case VmTableError::not_running: return "it is off";
        case VmTableError::running: return "it is running already";
        case VmTableError::loading: return "it is being loaded: try again";
        case VmTableError::still_running: return "it is running: stop it first";
        case VmTableError::not_paused: return "it is not paused";
        case VmTableError::still_pausing: return "it is still being paused: try again";
        case VmTableError::cannot_be_built: return "it could not be started";
        case VmTableError::no_such_vcpu: return "it has no vCPU of that number";
        case VmTableError::no_room_for_trace:
            return "its quota has no room for so many; the boot option quota=SIZE gives it more";
        case VmTableError::no_such_template: return "the archive has no folder of that name";
        case VmTableError::bad_name:
            return "it cannot be a VM's name; use up to 32 letters, digits, '-', '_' and '.'";
        case VmTableError::name_taken: return "there is a VM of that name already";
        case VmTableError::no_room: return "the heap has no room for it";
    }
    return "";
}

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

bool VmTable::fill(const Bundle& bundle, HostResources& host, Scheduler& scheduler,
                   ConsoleMultiplexer& console, const Settings& settings) {
    bundle_ = &bundle;
    host_ = &host;
    scheduler_ = &scheduler;
    console_ = &console;
    quota_ = settings.quota;
    count_exits_ = settings.count_exits;
    ticks_per_second_ = host.timebase_hz();
    for (const BundleVm& vm : bundle.vms()) {
        if (!add(vm, vm.config.name)) {
            println("cairn: vm {}: {}", vm.config.name, to_string(VmTableError::no_room));
            return false;
        }
    }
    return true;
}

namespace {

/// What a VM is given if the boot options say nothing else: what each has, and room for all that
/// its guest can write to its disks.
std::uint64_t default_quota(const BundleVm& vm) {
    std::uint64_t quota = VmMemory::default_limit(vm.config.memory);
    for (std::size_t n = 0; n < vm.config.disks.size(); ++n) {
        if (vm.config.disks[n].mode == DiskMode::overlay)
            quota += ImageStore::most_memory(vm.disks[n].size());
    }
    return quota;
}

}  // namespace

bool VmTable::add(const BundleVm& vm, std::string_view name) {
    const auto quota = quota_.value_or(default_quota(vm));
    auto managed = try_allocate_unique<ManagedVm>(allocator<ManagedVm>(), vm, name, *host_,
                                                  *scheduler_, *this, quota);
    if (!managed || !names_.try_push_back(managed->name())) return false;
    if (vms_.try_push_back(std::move(managed))) return true;
    names_.pop_back();
    return false;
}

/// Of those that are started: the one that asks for it, or the first.
void VmTable::choose_front() {
    ManagedVm* front = nullptr;
    for (const auto& vm : vms_) {
        if (!vm->config().autostart) continue;
        const bool asks = vm->config().console == ConsolePlace::front;
        if (front == nullptr || asks) front = vm.get();
    }
    if (front == nullptr) return;
    console_->choose(&front->channel());
    (void)front->channel().come_to_front();
}

void VmTable::start_all() {
    const SpinGuard guard(lock_);
    for (const auto& vm : vms_)
        stays_ = stays_ || vm->config().halt == HaltPolicy::never;
    choose_front();
    if (console_->chosen() == nullptr) {
        println("cairn: no VM is started: autostart is off in the vm.conf of each");
        failed_ = !stays_;
    }
    for (const auto& vm : vms_) {
        if (vm->config().autostart && !start(*vm)) failed_ = true;
    }
    if (running_ != 0) return;
    if (stays_) {
        console_->show_monitor();
    } else {
        scheduler_->close();
    }
}

bool VmTable::start(ManagedVm& vm) {
    if (!vm.start(count_exits_)) return false;
    ++running_;
    ++loading_;
    return true;
}

/// A piece of one of those that are loading, each in its turn.
bool VmTable::run() {
    if (!lock_.try_lock()) return false;
    for (std::size_t n = 0; n < vms_.size(); ++n) {
        last_loaded_ = (last_loaded_ + 1) % vms_.size();
        ManagedVm& vm = *vms_[last_loaded_];
        if (!vm.is_loading()) continue;
        load_some(vm);
        break;
    }
    lock_.unlock();
    return true;
}

void VmTable::load_some(ManagedVm& vm) {
    const ManagedVm::Loaded loaded = vm.load_some();
    if (loaded == ManagedVm::Loaded::in_part) return;
    --loading_;
    if (loaded == ManagedVm::Loaded::all) return;
    failed_ = true;
    vm.destroy();
    one_has_ended(vm);
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

VmTable::Result VmTable::create(std::string_view name, std::string_view model) {
    const SpinGuard guard(lock_);
    const BundleVm* const vm = bundle_->find(model);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_template);
    if (!is_vm_name(name)) return std::unexpected(VmTableError::bad_name);
    if (find(name) != nullptr) return std::unexpected(VmTableError::name_taken);
    if (!add(*vm, name)) return std::unexpected(VmTableError::no_room);
    return {};
}

VmTable::Result VmTable::destroy(std::string_view name) {
    const SpinGuard guard(lock_);
    ManagedVm* const vm = find(name);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_vm);
    if (vm->is_running()) return std::unexpected(VmTableError::still_running);
    if (console_->chosen() == &vm->channel()) console_->choose(other_in_front(*vm));
    names_.erase(std::ranges::find(names_, vm->name()));
    vms_.erase(std::ranges::find(vms_, vm, [](const auto& each) { return each.get(); }));
    return {};
}

/// One that runs, to be in front instead of `vm`, or nullptr.
GuestChannel* VmTable::other_in_front(const ManagedVm& vm) {
    for (const auto& other : vms_) {
        if (other.get() != &vm && other->is_running()) return &other->channel();
    }
    return nullptr;
}

VmTable::Result VmTable::start(std::string_view name) {
    const SpinGuard guard(lock_);
    ManagedVm* const vm = find(name);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_vm);
    if (vm->is_running()) return std::unexpected(VmTableError::running);
    if (!start(*vm)) return std::unexpected(VmTableError::cannot_be_built);
    return {};
}

VmTable::Result VmTable::stop(std::string_view name, StopReason reason) {
    const SpinGuard guard(lock_);
    ManagedVm* const vm = find(name);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_vm);
    if (!vm->is_running()) return std::unexpected(VmTableError::not_running);
    if (reason == StopReason::unplugged) stays_ = true;
    stop(*vm, reason);
    return {};
}

/// One that is loading has no vCPU that could leave.
void VmTable::stop(ManagedVm& vm, StopReason reason) {
    vm.vm().stop(reason);
    if (!vm.is_loading()) return;
    --loading_;
    has_stopped(vm);
}

VmTable::Result VmTable::pause(std::string_view name) {
    const SpinGuard guard(lock_);
    ManagedVm* const vm = find(name);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_vm);
    if (!vm->is_running()) return std::unexpected(VmTableError::not_running);
    if (vm->is_loading()) return std::unexpected(VmTableError::loading);
    if (vm->vm().is_paused()) return {};
    vm->vm().pause();
    vm->vm().note_pause(csr_read<Csr::time>());
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

std::expected<ManagedVm*, VmTableError> VmTable::find_running(std::string_view name,
                                                              std::optional<std::uint32_t> cpu) {
    ManagedVm* const vm = find(name);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_vm);
    if (!vm->is_running()) return std::unexpected(VmTableError::not_running);
    if (cpu && *cpu >= vm->vm().cpus()) return std::unexpected(VmTableError::no_such_vcpu);
    return vm;
}

VmTable::Result VmTable::ask_running(std::string_view name) {
    const SpinGuard guard(lock_);
    const auto vm = find_running(name, {});
    if (!vm) return std::unexpected(vm.error());
    if ((*vm)->is_loading()) return std::unexpected(VmTableError::loading);
    return {};
}

VmTable::Result VmTable::trace(std::string_view name, std::optional<std::uint32_t> cpu,
                               std::uint32_t entries) {
    const SpinGuard guard(lock_);
    const auto vm = find_running(name, cpu);
    if (!vm) return std::unexpected(vm.error());
    if (!(*vm)->trace(cpu, entries)) return std::unexpected(VmTableError::no_room_for_trace);
    return {};
}

VmTable::Result VmTable::end_trace(std::string_view name, std::optional<std::uint32_t> cpu) {
    const SpinGuard guard(lock_);
    const auto vm = find_running(name, cpu);
    if (!vm) return std::unexpected(vm.error());
    (*vm)->end_trace(cpu);
    return {};
}

void VmTable::stop_all() {
    const SpinGuard guard(lock_);
    stays_ = false;
    for (const auto& vm : vms_) {
        if (vm->is_running()) stop(*vm, StopReason::unplugged);
    }
    if (running_ == 0) scheduler_->close();
}

/// Unless it resets itself all the time.
void VmTable::say_reset(ManagedVm& vm) {
    if (!vm.lines().take(csr_read<Csr::time>(), ticks_per_second_)) return;
    say_what_was_hidden(vm);
    println("vm {}: reset", vm.name());
}

bool VmTable::goes_on(ManagedVm& vm, StopReason reason) {
    if (reason != StopReason::reset) {
        say_what_was_hidden(vm);
        say_hidden_complaints(vm);
    }
    switch (reason) {
        case StopReason::power_off: println("vm {}: powered off", vm.name()); break;
        case StopReason::failed:
            println("vm {}: powered off, and says that it failed", vm.name());
            break;
        case StopReason::killed: break;
        case StopReason::unplugged: println("vm {}: turned off", vm.name()); return false;
        case StopReason::reset: say_reset(vm); return true;
    }
    const bool has_failed = reason != StopReason::power_off;
    if (has_failed) log_last_exits(vm.vm(), ticks_per_second_);
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
    has_stopped(find(vm));
}

/// No hart runs it.
void VmTable::has_stopped(ManagedVm& vm) {
    if (goes_on(vm, vm.vm().stopped().value_or(StopReason::killed))) {
        vm.load_again();
        ++loading_;
        return;
    }
    vm.destroy();
    one_has_ended(vm);
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
