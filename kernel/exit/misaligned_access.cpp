// SPDX-License-Identifier: MIT
// Misaligned loads and stores of a guest that does not want their exceptions (SBI FWFT,
// MISALIGNED_EXC_DELEG = 0), where the hart does not carry them out itself. They are carried out
// here a byte at a time, through the guest's own translation: what a byte meets is what the guest's
// access would have met. What is no plain load or store gets its exception all the same: it is
// atomic, or not decoded here.
//
// So are those that lie in a page that a debugger has changed, of which the hart refuses bytes
// (kernel/exit/patched_page.cpp).
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/access_address.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/instruction.hpp"
#include "kernel/exit/access_registers.hpp"
#include "kernel/exit/handle_exit.hpp"
#include "kernel/vm/memory/guest_translation.hpp"

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

/// Whether the access can be done in pieces.
bool is_divisible(const Vcpu& vcpu, AccessKind kind) {
    const bool is_atomic = kind == AccessKind::amo || kind == AccessKind::load_reserved ||
                           kind == AccessKind::store_conditional;
    return !is_atomic && has_register_of(vcpu, kind);
}

/// Where the byte at `address` lies that the hart has just refused, if in a page that a debugger
/// has changed, and so not for the guest's part.
std::optional<GuestPhys> place_in_patched_page(Vm& vm, std::uint64_t address) {
    DebugPoints* const points = vm.memory().debug_points();
    const GuestPhys at = faulting_address(read_trap());
    if (points == nullptr || !vm.memory().holds(at, 1) || !points->page(at).any())
        return std::nullopt;
    const auto place = translate(vm.memory(), csr_read<Csr::vsatp>(), {address});
    return place && place->at == at ? std::optional(at) : std::nullopt;
}

bool is_guest_page_fault(std::uint64_t cause) {
    const auto met = static_cast<Exception>(cause);
    return met == Exception::load_guest_page_fault || met == Exception::store_guest_page_fault;
}

GuestValue load_byte(Vm& vm, std::uint64_t address) {
    const GuestValue byte = load_guest_byte(address);
    if (!is_guest_page_fault(byte.fault)) return byte;
    const auto at = place_in_patched_page(vm, address);
    const auto value =
        at ? vm.memory().load<std::uint8_t>(*at) : std::unexpected(GuestMemoryError::out_of_range);
    return value ? GuestValue{.value = *value, .fault = 0} : byte;
}

GuestValue store_byte(Vm& vm, std::uint64_t address, std::uint8_t value) {
    const GuestValue byte = store_guest_byte(address, value);
    if (!is_guest_page_fault(byte.fault)) return byte;
    const auto at = place_in_patched_page(vm, address);
    if (!at || !vm.memory().store(*at, value)) return byte;
    // Where it has been copied for who executes it meanwhile, that is not the last copy.
    (void)vm.memory().debug_points()->open(*at, DebugPoints::Use::access);
    return {.value = 0, .fault = 0};
}

std::expected<std::uint64_t, Fault> load_bytes(Vm& vm, std::uint64_t first, unsigned width) {
    std::uint64_t value = 0;
    for (unsigned n = 0; n < width; ++n) {
        const GuestValue byte = load_byte(vm, first + n);
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
std::expected<void, Fault> store_bytes(Vm& vm, std::uint64_t first, unsigned width,
                                       std::uint64_t value) {
    for (unsigned n = 0; n < width; ++n) {
        const GuestValue byte =
            store_byte(vm, first + n, static_cast<std::uint8_t>(value >> (8 * n)));
        if (byte.fault != 0) {
            return std::unexpected(Fault{exception_for(byte.fault, Exception::store_page_fault,
                                                       Exception::store_access_fault),
                                         first + n});
        }
    }
    return {};
}

std::expected<void, Fault> carry_out(Vcpu& vcpu, const MemoryAccess& access, std::uint64_t first) {
    if (access.is_store()) {
        return store_bytes(vcpu.vm(), first, access.width, value_to_store(vcpu, access));
    }
    const auto value = load_bytes(vcpu.vm(), first, access.width);
    if (!value) return std::unexpected(value.error());
    set_loaded(vcpu, access, *value);
    return {};
}

/// Whether a byte of ours met RAM that was not present: now it is, and the guest tries again. The
/// trap CSRs are those of that byte.
bool met_absent_ram(Vm& vm) {
    const TrapState met = read_trap();
    if (!is_guest_page_fault(met.scause)) return false;
    const GuestPhys at = faulting_address(met);
    if (!vm.memory().holds(at, 1)) return false;
    if (DebugPoints* const points = vm.memory().debug_points();
        points != nullptr && points->page(at).any()) {
        (void)points->open(at, DebugPoints::Use::access);
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
    const auto done = carry_out(vcpu, *access, first);
    if (done) {
        vcpu.context.pc += access->length;
    } else if (!met_absent_ram(vm)) {
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
