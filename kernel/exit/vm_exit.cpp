// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/exit/vm_exit.hpp"

#include "kernel/arch/isa/trap_cause.hpp"

namespace cairn {
namespace {

ExitKind classify_interrupt(std::uint64_t scause) {
    const Interrupt interrupt = interrupt_of(scause);
    if (interrupt == Interrupt::supervisor_timer) return ExitKind::timer_interrupt;
    if (interrupt == Interrupt::supervisor_external) return ExitKind::external_interrupt;
    if (interrupt == Interrupt::supervisor_software) return ExitKind::software_interrupt;
    return ExitKind::unexpected;
}

}  // namespace

ExitKind classify_exit(std::uint64_t scause) {
    if (is_interrupt(scause)) return classify_interrupt(scause);
    const Exception exception = exception_of(scause);
    if (exception == Exception::ecall_from_vs) return ExitKind::supervisor_call;
    if (exception == Exception::instruction_guest_page_fault) return ExitKind::fetch_page_fault;
    if (exception == Exception::virtual_instruction) return ExitKind::virtual_instruction;
    if (exception == Exception::load_address_misaligned ||
        exception == Exception::store_address_misaligned) {
        return ExitKind::misaligned_access;
    }
    if (exception == Exception::breakpoint) return ExitKind::breakpoint;
    return ExitKind::unexpected;
}

}  // namespace cairn
