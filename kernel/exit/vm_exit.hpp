// SPDX-License-Identifier: MIT
// Why the guest was left: the trap CSRs, read once into a TrapState, and the closed set of kinds
// that scause stands for. Pure: decoding never touches a CSR.
#pragma once

#include <cstdint>

#include "kernel/arch/address.hpp"

namespace cairn {

/// scause, stval, htval and htinst as the trap left them (Privileged Architecture, "Hypervisor",
/// section "Trap Entry").
struct TrapState {
    std::uint64_t scause = 0;
    std::uint64_t stval = 0;
    std::uint64_t htval = 0;
    std::uint64_t htinst = 0;
};

enum class ExitKind : std::uint8_t {
    supervisor_call,      ///< ecall from VS-mode: an SBI call
    fetch_page_fault,     ///< an instruction fetch that G-stage translation refused
    virtual_instruction,  ///< an instruction that V=1 may not execute
    misaligned_access,    ///< a load or store that the guest's firmware is to carry out
    breakpoint,           ///< an ebreak, while a debugger may have some in the guest's code
    timer_interrupt,      ///< the host's timer
    external_interrupt,   ///< the host's interrupt controller
    software_interrupt,   ///< another hart of the host
    unexpected,           ///< a cause that is delegated or reserved: a defect, ends the VM
};

/// The kind of exit that `scause` stands for. Guest-page faults of loads and stores are none: the
/// world switch has a way of their own for them (handle_guest_access).
[[nodiscard]] ExitKind classify_exit(std::uint64_t scause);

/// The guest physical address of a guest-page fault: htval holds it shifted right by two, stval has
/// its two lowest bits (same section, "Hypervisor Trap Value (htval) Register").
[[nodiscard]] constexpr GuestPhys faulting_address(const TrapState& trap) {
    return {trap.htval << 2 | (trap.stval & 3)};
}

}  // namespace cairn
