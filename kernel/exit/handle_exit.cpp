// SPDX-License-Identifier: MIT
#include "kernel/exit/handle_exit.hpp"

#include <cairn/print.hpp>
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/system_instruction.hpp"
#include "kernel/exit/sbi/sbi_calls.hpp"
#include "kernel/host/cpu/host_timer.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"

namespace cairn {
namespace {

[[gnu::cold, gnu::noinline]] void kill_for_unexpected_trap(Vm& vm, const Vcpu& vcpu,
                                                           const TrapState& trap) {
    println("vm {}: stopped: unexpected trap: {} (scause {:#x}, stval {:#x}, pc {:#x})", vm.name(),
            trap_cause_name(trap.scause), trap.scause, trap.stval, vcpu.context.pc);
    vm.stop(StopReason::killed);
}

/// Whether the first instruction of the guest's trap handler has trapped in the handler's own mode,
/// and will do so again: it cannot be fetched, or its last trap was this one already, so that it
/// has met the same registers with interrupts off.
bool is_handler_at_its_end(const Vcpu& vcpu, Exception exception, std::uint64_t trap_value) {
    if (vcpu.context.pc != vcpu.trap_vector()) return false;
    if (!Sstatus::SPP::get(csr_read<Csr::sstatus>())) return false;
    return exception == Exception::instruction_access_fault ||
           (csr_read<Csr::vsepc>() == vcpu.context.pc && csr_read<Csr::vstval>() == trap_value &&
            csr_read<Csr::vscause>() == static_cast<std::uint64_t>(exception));
}

[[gnu::cold, gnu::noinline]] void kill_for_handler(Vm& vm, std::uint64_t pc, Exception exception) {
    if (exception == Exception::instruction_access_fault) {
        println("vm {}: stopped: its trap handler at {:#x} is not in RAM, so it can only fault",
                vm.name(), pc);
    } else {
        println(
            "vm {}: stopped: its trap handler at {:#x} begins with a trap ({}), so it gets no "
            "further",
            vm.name(), pc, to_string(exception));
    }
    vm.stop(StopReason::killed);
}

/// Everything but SBI calls; a function of its own, so that those do not pay for it.
/// Shaped for: "SBI probe_extension"; "SBI remote fence to itself".
[[gnu::noinline]] void dispatch(Vm& vm, Vcpu& vcpu, std::uint64_t scause) {
    switch (classify_exit(scause)) {
        case ExitKind::supervisor_call: return handle_sbi_call(vm, vcpu);
        case ExitKind::fetch_page_fault: return handle_fetch_fault(vm, vcpu, read_trap());
        case ExitKind::virtual_instruction:
            return handle_virtual_instruction(vm, vcpu, read_trap());
        case ExitKind::misaligned_access: return handle_misaligned_access(vm, vcpu, read_trap());
        case ExitKind::breakpoint: return handle_breakpoint(vm, vcpu, read_trap());
        case ExitKind::timer_interrupt: return handle_timer_interrupt(vcpu);
        case ExitKind::external_interrupt: return handle_external_interrupt(vcpu);
        case ExitKind::software_interrupt: return handle_software_interrupt(vcpu);
        case ExitKind::unexpected: return kill_for_unexpected_trap(vm, vcpu, read_trap());
    }
}

constexpr std::uint64_t wfi_length = 4;

/// A hart may leave stval 0 for a virtual instruction; then it is read.
bool traps_at_wfi(Vm& vm, const Vcpu& vcpu, const TrapState& trap) {
    if (trap.stval != 0) return is_wfi(static_cast<std::uint32_t>(trap.stval));
    const GuestValue low = fetch_guest_half(vcpu.context.pc);
    const GuestValue high = fetch_guest_half(vcpu.context.pc + 2);
    if (low.fault == 0 && high.fault == 0)
        return is_wfi(static_cast<std::uint32_t>(low.value | high.value << 16));
    const auto code = read_patched_code(vm, vcpu);
    return code && is_wfi(*code);
}

/// A trap that Cairn has seen before its guest does.
void count_trap(Vcpu& vcpu, Exception exception) {
    if (exception == Exception::illegal_instruction) {
        vcpu.pmu().count(SbiFirmwareEvent::illegal_insn);
    } else if (exception == Exception::load_access_fault) {
        vcpu.pmu().count(SbiFirmwareEvent::access_load);
    } else if (exception == Exception::store_access_fault) {
        vcpu.pmu().count(SbiFirmwareEvent::access_store);
    }
}

}  // namespace

/// A call changes a0 and a1 alone.
extern "C" Resumption handle_guest_exit(VcpuContext* context) {
    Vcpu& vcpu = *context->vcpu;
    Vm& vm = vcpu.vm();
    const std::uint64_t scause = csr_read<Csr::scause>();
    if (scause == static_cast<std::uint64_t>(Exception::ecall_from_vs)) [[likely]] {
        handle_sbi_call(vm, vcpu);
        if (!vcpu.leaves_guest()) [[likely]]
            return Resumption::with_saved_registers;
    } else {
        dispatch(vm, vcpu, scause);
        if (!vcpu.leaves_guest()) return Resumption::all;
    }
    return Resumption::none;
}

TrapState read_trap() {
    return {.scause = csr_read<Csr::scause>(),
            .stval = csr_read<Csr::stval>(),
            .htval = csr_read<Csr::htval>(),
            .htinst = csr_read<Csr::htinst>()};
}

Resumption touch_ram(Vm& vm, GuestPhys at) {
    switch (vm.memory().touch(at)) {
        case RamTouch::given:
        case RamTouch::busy: return Resumption::with_saved_registers;
        // Harts may keep what they once found invalid (no Svvptc for the G-stage).
        case RamTouch::present: hfence_gvma_all(); return Resumption::with_saved_registers;
        case RamTouch::patched: return handle_patched_page(vm, at);
        case RamTouch::lacking:
            if (vm.may_complain()) {
                println(
                    "vm {}: waits for its RAM at {:#x}, which it gave back: the machine has none "
                    "free",
                    vm.name(), at.value);
            }
            return Resumption::with_saved_registers;
        case RamTouch::unavailable: break;
    }
    println("vm {}: stopped: there is no memory for the page table of its RAM at {:#x}", vm.name(),
            at.value);
    vm.stop(StopReason::killed);
    return Resumption::with_saved_registers;
}

void handle_fetch_fault(Vm& vm, Vcpu& vcpu, const TrapState& trap) {
    if (const GuestPhys at = faulting_address(trap); vm.memory().holds(at, 1)) {
        (void)touch_ram(vm, at);  // the others are loaded in any case
        return;
    }
    if (vm.may_complain()) {
        println("vm {}: jump to {:#x}, guest physical {:#x}, where there is no RAM: access fault",
                vm.name(), vcpu.context.pc, faulting_address(trap).value);
    }
    raise_in_guest(vm, vcpu, Exception::instruction_access_fault, trap.stval);
}

void handle_virtual_instruction(Vm& vm, Vcpu& vcpu, const TrapState& trap) {
    if (vcpu.yields_at_wfi() && traps_at_wfi(vm, vcpu, trap) &&
        Sstatus::SPP::get(csr_read<Csr::sstatus>())) {
        vcpu.context.pc += wfi_length;
        return vcpu.wait_for_interrupt();
    }
    raise_in_guest(vm, vcpu, Exception::illegal_instruction, trap.stval);
}

void handle_timer_interrupt(Vcpu& vcpu) {
    const ExpiredTimers expired = take_expired_timers();
    if (expired.scheduler) vcpu.leave_guest();
    if (!expired.guest) return;
    if (vcpu.context.timer_renewal != 0) return vcpu.renew_timer();
    vcpu.timer_interrupt().set(true);
}

/// Its handler may have left work to do.
void handle_external_interrupt(Vcpu& vcpu) {
    host_interrupts().serve_next();
    vcpu.leave_guest();
}

void handle_software_interrupt(Vcpu& vcpu) {
    vcpu.answer();
    if (vcpu.shares_hart()) vcpu.leave_guest();  // it may be for a vCPU that sleeps here
}

void raise_in_guest(Vm& vm, Vcpu& vcpu, Exception exception, std::uint64_t trap_value) {
    const std::uint64_t pc = vcpu.context.pc;
    const bool endless = is_handler_at_its_end(vcpu, exception, trap_value);
    count_trap(vcpu, exception);
    vcpu.inject(exception, trap_value);
    if (endless) kill_for_handler(vm, pc, exception);
}

}  // namespace cairn
