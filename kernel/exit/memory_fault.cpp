// SPDX-License-Identifier: MIT
// MMIO emulation: what was accessed, by which instruction, and the device's answer into the
// register. An access that reaches no device, or that no device understands, is an access fault in
// the guest, as on a machine that has nothing at the address.
#include "kernel/arch/hart_operations.hpp"
#include "kernel/arch/instruction.hpp"
#include "kernel/exit/handle_exit.hpp"
#include "lib/print.hpp"

namespace cairn {
namespace {

struct Fault {
    Exception exception;
    std::uint64_t trap_value;
};

/// HLVX reports load faults; for the guest it was a fetch. Its page tables may have changed since
/// the access that brought us here.
[[gnu::noinline]] Fault fetch_fault(const GuestFetch& fetch) {
    return {static_cast<Exception>(fetch.fault) == Exception::load_page_fault
                ? Exception::instruction_page_fault
                : Exception::instruction_access_fault,
            fetch.value};
}

Exception access_fault(bool store) {
    return store ? Exception::store_access_fault : Exception::load_access_fault;
}

/// Translation keeps the offset in the page. Where it differs, the fault is of a read of the
/// guest's own page table, which htinst would have told on other harts.
bool is_table_walk(const TrapState& trap) {
    constexpr std::uint64_t page_offset = 0xfff;
    return ((faulting_address(trap).value ^ trap.stval) & page_offset) != 0;
}

/// Which access faulted: from htinst where the hart tells, else from the instruction itself.
std::expected<MemoryAccess, Fault> decode_access(Vcpu& vcpu, ExitKind kind, const TrapState& trap) {
    const Fault refused{access_fault(kind == ExitKind::store_page_fault), trap.stval};
    switch (classify_htinst(trap.htinst)) {
        case HtinstKind::transformed:
            if (const auto access = decode_transformed(trap.htinst)) return *access;
            return std::unexpected(refused);
        case HtinstKind::pseudo_read:
        case HtinstKind::pseudo_write:
            return std::unexpected(refused);  // its page tables are there
        case HtinstKind::none:
        case HtinstKind::unknown:
            if (is_table_walk(trap)) return std::unexpected(refused);
            break;
    }
    const GuestFetch fetch = fetch_guest_instruction(vcpu.context.pc);
    if (fetch.fault != GuestFetch::no_fault) [[unlikely]]
        return std::unexpected(fetch_fault(fetch));
    const auto access = vcpu.decode_memory_access(static_cast<std::uint32_t>(fetch.value));
    if (!access) return std::unexpected(refused);
    return *access;
}

std::expected<void, BusError> perform(Vm& vm, Registers& x, GuestPhys at,
                                      const MemoryAccess& access) {
    const auto width = static_cast<AccessWidth>(access.width);
    if (access.kind == AccessKind::store) {
        return vm.bus().write(at, width, stored_value(access, x[access.reg]));
    }
    if (access.kind != AccessKind::load) return std::unexpected(BusError::width);  // no AMO, no FP
    const auto value = vm.bus().read(at, width);
    if (!value) return std::unexpected(value.error());
    if (access.reg != 0) x[access.reg] = loaded_value(access, *value);
    return {};
}

[[gnu::noinline]] void complain(Vm& vm, const Vcpu& vcpu, const MemoryAccess& access, GuestPhys at,
                                BusError error) {
    if (!vm.may_complain()) return;
    println("vm {}: {} of {} bytes at {:#x} (pc {:#x}): {}: access fault", vm.name(),
            access.is_store() ? "store" : "load", access.width, at.value, vcpu.context.pc,
            to_string(error));
}

}  // namespace

void handle_memory_fault(Vm& vm, Vcpu& vcpu, ExitKind kind, const TrapState& trap) {
    const auto access = decode_access(vcpu, kind, trap);
    if (!access) {
        return raise_in_guest(vm, vcpu, access.error().exception, access.error().trap_value);
    }
    const GuestPhys at = faulting_address(trap) - access->address_offset;
    if (const auto done = perform(vm, vcpu.context.x, at, *access); !done) {
        complain(vm, vcpu, *access, at, done.error());
        return raise_in_guest(vm, vcpu, access_fault(access->is_store()), trap.stval);
    }
    vcpu.context.pc += access->length;
}

}  // namespace cairn
