// SPDX-License-Identifier: MIT
// Misaligned loads and stores of a guest that does not want their exceptions (SBI FWFT,
// MISALIGNED_EXC_DELEG = 0), where the hart does not carry them out itself. They are carried out
// here a byte at a time, through the guest's own translation: what a byte meets is what the guest's
// access would have met. What is no plain load or store gets its exception all the same: it is
// atomic, or not decoded here.
//
// So are loads and stores of an instruction to its own page, where that has breakpoints
// (kernel/exit/breakpoint.cpp).
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/access_address.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/instruction.hpp"
#include "kernel/exit/handle_exit.hpp"

namespace cairn {
namespace {

struct Fault {
    Exception exception;
    std::uint64_t trap_value;
};

/// The guest's exception for the `cause` with which an access of ours ended: a page fault of its
/// own page table is its own, and where there is no RAM, there is nothing.
Exception exception_for(std::uint64_t cause, Exception page_fault, Exception access_fault) {
    const auto met = static_cast<Exception>(cause);
    return met == Exception::load_page_fault || met == Exception::store_page_fault ? page_fault
                                                                                   : access_fault;
}

std::expected<std::uint32_t, Fault> fetch_half(std::uint64_t at) {
    const GuestValue half = fetch_guest_half(at);
    if (half.fault == 0) return static_cast<std::uint32_t>(half.value);
    return std::unexpected(Fault{exception_for(half.fault, Exception::instruction_page_fault,
                                               Exception::instruction_access_fault),
                                 at});
}

std::expected<std::uint32_t, Fault> fetch(std::uint64_t pc) {
    const auto low = fetch_half(pc);
    if (!low || instruction_length(static_cast<std::uint16_t>(*low)) == 2) return low;
    const auto high = fetch_half(pc + 2);
    if (!high) return high;
    return *high << 16 | *low;
}

/// Whether the access can be done in pieces. An f-register is only touched where the guest has
/// them on: the instruction may be another than the one that trapped.
bool is_divisible(const Vcpu& vcpu, AccessKind kind) {
    switch (kind) {
        case AccessKind::load:
        case AccessKind::store: return true;
        case AccessKind::fp_load:
        case AccessKind::fp_store:
            return vcpu.vm().features().fp &&
                   Sstatus::FS::get(csr_read<Csr::vsstatus>()) != ExtensionState::off;
        case AccessKind::amo:
        case AccessKind::load_reserved:
        case AccessKind::store_conditional: break;
    }
    return false;
}

std::expected<std::uint64_t, Fault> load_bytes(std::uint64_t first, unsigned width) {
    std::uint64_t value = 0;
    for (unsigned n = 0; n < width; ++n) {
        const GuestValue byte = load_guest_byte(first + n);
        if (byte.fault != 0) {
            return std::unexpected(Fault{
                exception_for(byte.fault, Exception::load_page_fault, Exception::load_access_fault),
                first + n});
        }
        value |= (byte.value & 0xff) << (8 * n);
    }
    return value;
}

/// Bytes before the one that faults stay written, as the specification allows.
std::expected<void, Fault> store_bytes(std::uint64_t first, unsigned width, std::uint64_t value) {
    for (unsigned n = 0; n < width; ++n) {
        const GuestValue byte = store_guest_byte(first + n, value >> (8 * n) & 0xff);
        if (byte.fault != 0) {
            return std::unexpected(Fault{exception_for(byte.fault, Exception::store_page_fault,
                                                       Exception::store_access_fault),
                                         first + n});
        }
    }
    return {};
}

/// A narrower value in an f-register has ones above it ("D" extension, "NaN Boxing").
std::uint64_t boxed(std::uint64_t value, unsigned width) {
    return width == 8 ? value : value | ~std::uint64_t{0} << (8 * width);
}

void set_register(Vcpu& vcpu, const MemoryAccess& access, std::uint64_t value) {
    if (access.kind == AccessKind::fp_load) {
        write_fp_register(access.reg, boxed(value, access.width));
        vcpu.mark_fp_changed();
    } else if (access.reg != 0) {
        vcpu.context.x[access.reg & 31] = loaded_value(access, value);
    }
}

std::expected<void, Fault> carry_out(Vcpu& vcpu, const MemoryAccess& access, std::uint64_t first) {
    if (access.is_store()) {
        const std::uint64_t value = access.kind == AccessKind::fp_store
                                        ? read_fp_register(access.reg)
                                        : vcpu.context.x[access.reg & 31];
        return store_bytes(first, access.width, value);
    }
    const auto value = load_bytes(first, access.width);
    if (!value) return std::unexpected(value.error());
    set_register(vcpu, access, *value);
    return {};
}

/// Whether a byte of ours met RAM that was not present: now it is, and the guest tries again. The
/// trap CSRs are those of that byte.
bool met_absent_ram(Vm& vm) {
    const TrapState met = read_trap();
    const Exception cause = exception_of(met.scause);
    if (cause != Exception::load_guest_page_fault && cause != Exception::store_guest_page_fault)
        return false;
    const GuestPhys at = faulting_address(met);
    if (!vm.memory().holds(at, 1)) return false;
    if (CodePatches* const patches = vm.memory().patches();
        patches != nullptr && patches->is_patched_page(at)) {
        (void)patches->open(at, CodePatches::Use::access);
    } else {
        (void)touch_ram(vm, at);
    }
    return true;
}

}  // namespace

bool carry_out_access(Vm& vm, Vcpu& vcpu, std::uint32_t instruction) {
    const auto access = decode_memory_access(instruction);
    if (!access || !is_divisible(vcpu, access->kind)) return false;
    const std::uint64_t first = decode_access_address(instruction).in(vcpu.context.x);
    auto done = carry_out(vcpu, *access, first);
    // Once more: a page with breakpoints that it lies in is closed again by the guest's own try.
    bool again = !done && met_absent_ram(vm);
    if (again) done = carry_out(vcpu, *access, first);
    again = again && !done && met_absent_ram(vm);
    if (done) {
        vcpu.context.pc += access->length;
    } else if (!again) {
        raise_in_guest(vm, vcpu, done.error().exception, done.error().trap_value);
    }
    return true;
}

void handle_misaligned_access(Vm& vm, Vcpu& vcpu, const TrapState& trap) {
    const bool store = exception_of(trap.scause) == Exception::store_address_misaligned;
    vcpu.pmu().count(store ? SbiFirmwareEvent::misaligned_store
                           : SbiFirmwareEvent::misaligned_load);
    auto instruction = fetch(vcpu.context.pc);
    if (!instruction) {
        if (const auto code = read_patched_code(vm, vcpu)) instruction = *code;
    }
    if (!instruction) {
        if (met_absent_ram(vm)) return;
        const Fault& fault = instruction.error();
        return raise_in_guest(vm, vcpu, fault.exception, fault.trap_value);
    }
    if (!carry_out_access(vm, vcpu, *instruction))
        raise_in_guest(vm, vcpu, exception_of(trap.scause), trap.stval);
}

}  // namespace cairn
