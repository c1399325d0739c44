// SPDX-License-Identifier: MIT
// Interrupts of the host's devices: the console's input, for the guest that has the console. What
// the guest's UART has no room for stays in the machine's: the interrupt is kept claimed, so it
// does not come again, until the guest has made room.
#include <span>

#include "kernel/exit/handle_exit.hpp"
#include "kernel/host/console.hpp"
#include "kernel/host/interrupt_controller.hpp"

namespace cairn {
namespace {

/// So many characters are moved in one exit. A UART that has more interrupts again.
constexpr unsigned most_characters = 64;

/// Moves what has been typed to the guest; false where its UART became full before the end.
bool pass_console_input(Vm& vm) {
    for (unsigned moved = 0; vm.uart().receive_room() != 0; ++moved) {
        if (moved == most_characters) return true;
        const auto character = console_read();
        if (!character) return true;
        (void)vm.uart().receive(std::span(&*character, 1));  // there is room
    }
    return false;
}

void serve(Vm& vm, std::uint32_t source) {
    if (pass_console_input(vm)) {  // the only source that is ever enabled
        vm.let_input_wait_behind(0);
        complete_host_interrupt(source);
    } else {
        vm.let_input_wait_behind(source);
    }
}

}  // namespace

void handle_external_interrupt(Vm& vm) {
    const DeviceGuard guard(vm.device_lock());
    // One at a time: what is still pending is the next exit, so no device can hold the hart here.
    if (const std::uint32_t source = claim_host_interrupt()) serve(vm, source);
}

void retry_console_input(Vm& vm) {
    const DeviceGuard guard(vm.device_lock());
    if (vm.input_waits_behind() == 0) return;  // another hart was faster
    if (vm.uart().receive_room() != 0) serve(vm, vm.input_waits_behind());
}

}  // namespace cairn
