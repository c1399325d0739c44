// SPDX-License-Identifier: MIT
// Interrupts of the host's devices: the console's input, for the guest that has the console.
#include <array>

#include "kernel/exit/handle_exit.hpp"
#include "kernel/host/console.hpp"
#include "kernel/host/interrupt_controller.hpp"
#include "lib/print.hpp"

namespace cairn {
namespace {

void pass_console_input(Vm& vm) {
    while (const auto character = console_read()) {
        const std::array byte{static_cast<std::byte>(*character)};
        if (vm.console_input(byte) == 0 && vm.may_complain()) {
            println("vm {}: console input lost: the guest does not read it", vm.name());
        }
    }
}

}  // namespace

void handle_external_interrupt(Vm& vm) {
    while (const std::uint32_t source = claim_host_interrupt()) {
        pass_console_input(vm);  // the only source that is ever enabled
        complete_host_interrupt(source);
    }
}

}  // namespace cairn
