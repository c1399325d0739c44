// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Ebreaks of a guest with breakpoints: a debugger's, which it does not see, and its own.
#include "kernel/exit/guest_code.hpp"
#include "kernel/exit/handle_exit.hpp"

namespace cairn {
namespace {

/// Unprivileged ISA, "Environment Call and Breakpoints", and "C" extension.
constexpr std::uint16_t short_ebreak = 0x9002;
constexpr std::uint16_t ebreak_low = 0x0073;
constexpr std::uint16_t ebreak_high = 0x0010;

/// Whether the guest itself has an ebreak there; its upper half is asked for in the same page.
bool has_own_ebreak(const GuestMemory& memory, GuestPhys at) {
    const auto low = memory.load<std::uint16_t>(at);
    if (!low || *low == short_ebreak) return true;
    if (*low != ebreak_low) return false;
    const auto high = memory.load<std::uint16_t>(at + 2);
    return !high || *high == ebreak_high;
}

}  // namespace

void handle_breakpoint(Vm& vm, Vcpu& vcpu, const TrapState& trap) {
    DebugPoints* const points = vm.memory().debug_points();
    const auto at = find_code(vm.memory(), vcpu.context.pc);
    if (points != nullptr && at && points->has(*at)) {
        vm.debugging().met(static_cast<std::uint32_t>(vcpu.hart_id()), std::nullopt,
                           [&vm] { vm.pause(); });
        return;
    }
    // Where it has been removed meanwhile, the guest meets what is there now.
    if (at && !has_own_ebreak(vm.memory(), *at)) return;
    raise_in_guest(vm, vcpu, Exception::breakpoint, trap.stval);
}

}  // namespace cairn
