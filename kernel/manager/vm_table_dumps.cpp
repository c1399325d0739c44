// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
// Cores of VMs of the table: begun, gone on with between guests, and ended.
#include "kernel/manager/vm_table.hpp"

#include <cairn/print.hpp>
#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {
namespace {
void say_not_dumped(const ManagedVm& vm, HostDiskName disk, CoreFault fault,
                    std::string_view no = "not") {
    println("vm {}: {} dumped to {}: {}", vm.name(), no, disk, to_string(fault));
}
}  // namespace

/// A disk that a VM has in its vm.conf is that VM's also while it is off.
bool VmTable::is_of_a_vm(HostDiskName disk) const {
    for (const auto& each : vms_) {
        for (const VmConfigDisk& line : each->config().disks)
            if (line.host && line.host->has_part_of(disk)) return true;
    }
    return false;
}

std::expected<void, CoreFault> VmTable::begin_dump(ManagedVm& vm, HostDiskName disk,
                                                   bool has_ended) {
    if (is_of_a_vm(disk)) return std::unexpected(CoreFault::disk_taken);
    return vm.begin_dump(disk, has_ended, dump_wanted_);
}

/// What is known of its disk before there is a crash. The VM runs all the same.
void VmTable::warn_of_core(const ManagedVm& vm) const {
    const VmConfig& config = vm.config();
    if (!config.core || !dumps(config.on_crash)) return;
    const HostDiskName name = config.core->host;
    const HostDisk* const disk = host_disk(name.disk);
    const auto warn = [&](CoreFault fault) { say_not_dumped(vm, name, fault, "would not be"); };
    if (disk == nullptr) return warn(CoreFault::no_such_disk);
    if (is_of_a_vm(name)) return warn(CoreFault::disk_taken);
    if (disk->is_read_only()) warn(CoreFault::read_only);
}

/// False where it is not to be, or cannot be, which the log says.
bool VmTable::dump_crash(ManagedVm& vm, StopReason reason) {
    if (!is_crash(reason) || !dumps(vm.config().on_crash)) return false;
    // A guest that resets itself with a failure again and again leaves its first cores.
    if (reason == StopReason::failed_reset &&
        !vm.restarts().may_restart(csr_read<Csr::time>(), ticks_per_second_))
        return false;
    const HostDiskName disk = vm.config().core->host;
    const auto begun = begin_dump(vm, disk, true);
    if (!begun) {
        say_not_dumped(vm, disk, begun.error());
        return false;
    }
    vm.end_for(reason);  // behind it
    dump_wanted_.store(true, std::memory_order_release);
    return true;
}

std::expected<void, std::string_view> VmTable::dump(std::string_view name,
                                                    std::optional<HostDiskName> disk) {
    const auto refuse = [](auto error) { return std::unexpected(to_string(error)); };
    const SpinGuard guard(lock_);
    const auto vm = find_running(name, {});
    if (!vm) return refuse(vm.error());
    ManagedVm& it = **vm;
    if (const Result lively = ask_lively(it); !lively) return refuse(lively.error());
    if (it.vm().debugging().is_claimed()) return refuse(VmTableError::debugged);
    if (!disk && !it.config().core) return refuse(VmTableError::no_core_disk);
    const auto begun = begin_dump(it, disk ? *disk : it.config().core->host, false);
    if (!begun) return refuse(begun.error());
    it.hold_for_dump();
    dump_wanted_.store(true, std::memory_order_release);
    return {};
}

void VmTable::abandon_dump(std::string_view name) {
    const SpinGuard guard(lock_);
    ManagedVm* const vm = find(name);
    if (vm == nullptr || vm->dump() == nullptr) return;
    vm->dump()->abandon();
    dump_wanted_.store(true, std::memory_order_release);
}

/// A piece of it, once the VM is at rest.
void VmTable::dump_some(ManagedVm& vm) {
    if (!vm.is_at_rest()) return dump_wanted_.store(true, std::memory_order_release);
    switch (vm.dump()->go_on()) {
        case CoreDump::Step::more: return dump_wanted_.store(true, std::memory_order_release);
        case CoreDump::Step::waits: return;
        case CoreDump::Step::done: return dump_is_through(vm);
    }
}

void VmTable::dump_is_through(ManagedVm& vm) {
    const HostDiskName disk = vm.dump()->disk();
    const bool is_of_crash = vm.dump()->is_of_crash();
    vm.end_dump();
    const CoreResult& result = *vm.last_dump();
    const auto end = vm.end_reason();
    if (result.fault) {
        say_not_dumped(vm, disk, *result.fault);
    } else {
        println("vm {}: dumped to {}: {} bytes, {} segments{}", vm.name(), disk, result.bytes,
                result.segments,
                result.has_vmcoreinfo ? "" : "; no VMCOREINFO note is in its memory");
    }
    if (!is_of_crash) vm.let_go_after_dump();
    if (!end) return;
    if (is_of_crash || !dump_crash(vm, *end)) end_run(vm, *end);
}

void VmTable::end_behind_others(ManagedVm& vm, StopReason reason) {
    vm.end_for(reason);
    if (vm.dump() == nullptr) return;
    vm.dump()->abandon();
    dump_wanted_.store(true, std::memory_order_release);
}

}  // namespace cairn
