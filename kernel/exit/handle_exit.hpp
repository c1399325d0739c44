// SPDX-License-Identifier: MIT
// What is decided on each exit. `handle_guest_exit` and `handle_guest_access` (declared with the
// world switch) are called with the guest's registers in its context; the handlers below change the
// guest's state, its devices, or end its VM. None of them trusts anything that the guest controls,
// and none panics. Those that are rare are kept out of line, so that others do not pay for their
// frames. Shaped for: "SBI probe_extension"; "unknown CSR, exception taken".
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/exit/vm_exit.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

/// The trap CSRs of the exit at hand.
[[nodiscard]] TrapState read_trap();

/// An instruction fetch from an address that is not RAM.
[[gnu::cold, gnu::noinline]] void handle_fetch_fault(Vm& vm, Vcpu& vcpu, const TrapState& trap);

/// An instruction that V=1 may not execute: the guest has no H extension, so it is illegal there;
/// or wfi where others want the hart.
[[gnu::cold, gnu::noinline]] void handle_virtual_instruction(Vm& vm, Vcpu& vcpu,
                                                             const TrapState& trap);

/// A hart of the guest could not reach `at`, which is RAM: it is made to be there. Says whether
/// registers have changed for it.
[[gnu::noinline]] Resumption touch_ram(Vm& vm, GuestPhys at);

/// The same where `at` lies in a page with breakpoints or watchpoints; the trap CSRs say what its
/// vCPU wanted there.
[[gnu::cold, gnu::noinline]] Resumption handle_patched_page(Vm& vm, GuestPhys at);

/// The instruction at pc where it lies in such a page, else nothing. HLVX may not read it: others
/// use the page just now, or the hart (QEMU 7.2's) wants R for it in place of X.
[[nodiscard, gnu::cold, gnu::noinline]] std::optional<std::uint32_t> read_patched_code(
    Vm& vm, const Vcpu& vcpu);

/// An ebreak: a debugger's pauses the VM, another is the guest's.
[[gnu::cold, gnu::noinline]] void handle_breakpoint(Vm& vm, Vcpu& vcpu, const TrapState& trap);

/// Carries out `instruction`, at pc, where it is a load or store, or gives the guest the exception
/// that it meets. False where it is neither, or cannot be done in pieces.
[[nodiscard, gnu::cold, gnu::noinline]] bool carry_out_access(Vm& vm, Vcpu& vcpu,
                                                              std::uint32_t instruction);

/// A misaligned load or store whose exception the guest does not want: carries it out.
[[gnu::cold, gnu::noinline]] void handle_misaligned_access(Vm& vm, Vcpu& vcpu,
                                                           const TrapState& trap);

/// The host's timer: it stands in for the guest's or renews it, or the vCPU's turn is over.
[[gnu::noinline]] void handle_timer_interrupt(Vcpu& vcpu);

/// An interrupt of one of the machine's devices.
[[gnu::noinline]] void handle_external_interrupt(Vcpu& vcpu);

/// Another hart has asked something of the vCPU, or of one that sleeps on this hart.
[[gnu::noinline]] void handle_software_interrupt(Vcpu& vcpu);

/// Gives the guest `exception`, unless its handler cannot be fetched either, or begins with an
/// instruction that traps again and again: then the VM ends, because the guest would do so for
/// ever.
[[gnu::noinline]] void raise_in_guest(Vm& vm, Vcpu& vcpu, Exception exception,
                                      std::uint64_t trap_value);

}  // namespace cairn
