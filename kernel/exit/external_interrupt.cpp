// SPDX-License-Identifier: MIT
// Interrupts of the host's devices go to their handlers. One may have the VM at hand take its
// console's input: what the guest's UART has no room for stays where it is, until the guest has
// made room.
#include "kernel/exit/handle_exit.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"

namespace cairn {

void handle_external_interrupt(Vm& vm) {
    host_interrupts().serve_next();
    if (vm.input_waits()) take_console_input(vm);
}

void take_console_input(Vm& vm) {
    const DeviceGuard guard(vm.device_lock());
    if (vm.input_waits()) vm.take_input();  // else another hart was faster
}

}  // namespace cairn
