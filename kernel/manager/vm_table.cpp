// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/vm_table.hpp"

#include <algorithm>

#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/isa/csr_access.hpp"

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
        case VmTableError::cannot_be_built: return "it could not be started: the log says why";
        case VmTableError::no_such_vcpu: return "it has no vCPU of that number";
        case VmTableError::no_room_for_trace:
            return "its quota has no room for so many; the boot option quota=SIZE gives it more";
        case VmTableError::no_such_template: return "the archive has no folder of that name";
        case VmTableError::bad_name:
            return "it cannot be a VM's name; use up to 32 letters, digits, '-', '_' and '.'";
        case VmTableError::name_taken: return "there is a VM of that name already";
        case VmTableError::no_room: return "the heap has no room for it";
        case VmTableError::dumping: return "it is being dumped: try again";
        case VmTableError::ending: return "it is ending: a disk is still at its memory";
        case VmTableError::debugged: return "gdb has it";
        case VmTableError::no_core_disk:
            return "name one of the machine's disks, for example host:0; its vm.conf has no core";
    }
    return "";
}

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
/// its guest can write to its disks, and for its balloon.
std::uint64_t default_quota(const BundleVm& vm) {
    std::uint64_t quota = VmMemory::default_limit(vm.config.memory);
    for (std::size_t n = 0; n < vm.config.disks.size(); ++n) {
        const VmConfigDisk& line = vm.config.disks[n];
        const std::uint64_t size = vm.disks[n].size();
        if (line.mode == DiskMode::overlay)
            quota += line.host ? DiskOverlay::memory_for(size) : ImageStore::most_memory(size);
    }
    if (vm.config.balloon) quota += GuestBalloon::most_memory(vm.config.memory);
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
    if (running_ == 0) return stays_ ? console_->show_monitor() : scheduler_->close();
    for (const auto& vm : vms_)
        if (console_->chosen() == &vm->channel() && !vm->is_running()) return replace_in_front(*vm);
}

bool VmTable::start(ManagedVm& vm) {
    if (!vm.start(count_exits_)) return false;
    warn_of_core(vm);
    ++running_;
    ++loading_;
    return true;
}

bool VmTable::run() {
    if (!lock_.try_lock()) return false;
    if (dump_wanted_.exchange(false, std::memory_order_acquire)) {
        for (const auto& vm : vms_)
            if (vm->dump() != nullptr) dump_some(*vm);
    }
    load_next();
    if (ends_due_.load(std::memory_order_relaxed) <= csr_read<Csr::time>()) end_those_that_wait();
    if (watchdog_.due() <= csr_read<Csr::time>()) watch();
    lock_.unlock();
    return true;
}

/// A piece of one of those that are loading, each in its turn.
void VmTable::load_next() {
    for (std::size_t n = 0; n < vms_.size(); ++n) {
        last_loaded_ = (last_loaded_ + 1) % vms_.size();
        ManagedVm& vm = *vms_[last_loaded_];
        if (!vm.is_loading()) continue;
        return load_some(vm);
    }
}

void VmTable::load_some(ManagedVm& vm) {
    const ManagedVm::Loaded loaded = vm.load_some();
    if (loaded == ManagedVm::Loaded::in_part) return;
    --loading_;
    if (loaded == ManagedVm::Loaded::all && vm.config().watchdog != 0) watchdog_.look_again();
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
    if (console_->chosen() == &vm->channel()) {
        ManagedVm* const other = other_in_front(*vm);
        console_->choose(other == nullptr ? nullptr : &other->channel());
    }
    names_.erase(std::ranges::find(names_, vm->name()));
    watchdog_.forget(*vm);
    vms_.erase(std::ranges::find(vms_, vm, [](const auto& each) { return each.get(); }));
    return {};
}

/// One that runs, rather than one that is paused, to be in front instead of `vm`; or nullptr.
ManagedVm* VmTable::other_in_front(const ManagedVm& vm) {
    ManagedVm* paused = nullptr;
    for (const auto& other : vms_) {
        if (other.get() == &vm || !other->is_running()) continue;
        if (!other->vm().is_paused()) return other.get();
        if (paused == nullptr) paused = other.get();
    }
    return paused;
}

/// Another that runs comes to the front instead of `vm`, or the monitor.
void VmTable::replace_in_front(const ManagedVm& vm) {
    ManagedVm* const other = other_in_front(vm);
    if (other == nullptr) return console_->show_monitor();
    console_->choose(&other->channel());
    if (console_->shows_monitor()) return;
    println("console of {}: Ctrl-] goes to the monitor", other->name());
    (void)console_->show_guest();
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
    if (vm.end_reason()) {
        say_end(vm, reason);
        return end_behind_others(vm, reason);
    }
    vm.vm().stop(reason);
    if (!vm.is_loading()) return;
    --loading_;
    has_stopped(vm);
}

VmTable::Result VmTable::ask_lively(const ManagedVm& vm) {
    if (vm.dump() != nullptr) return std::unexpected(VmTableError::dumping);
    if (vm.is_loading()) return std::unexpected(VmTableError::loading);
    if (vm.end_reason()) return std::unexpected(VmTableError::ending);
    return {};
}

VmTable::Result VmTable::pause(std::string_view name) {
    const SpinGuard guard(lock_);
    ManagedVm* const vm = find(name);
    if (vm == nullptr) return std::unexpected(VmTableError::no_such_vm);
    if (!vm->is_running()) return std::unexpected(VmTableError::not_running);
    if (const Result lively = ask_lively(*vm); !lively) return lively;
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
    if (const Result lively = ask_lively(*vm); !lively) return lively;
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
    return ask_lively(**vm);
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
    console_->choose(nullptr);  // nobody comes to the front any more
    for (const auto& vm : vms_) {
        if (vm->is_running()) stop(*vm, StopReason::unplugged);
    }
    if (running_ == 0) scheduler_->close();
}

}  // namespace cairn
