// SPDX-License-Identifier: MIT
// Guests' consoles on the machine's one: what their UARTs and debug consoles print goes there byte
// for byte, and what is typed goes to the guest that has the input. Nobody else who deals with
// guests knows the machine's UART.
#pragma once

#include "kernel/dev/input_source.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

[[nodiscard]] GuestConsole guest_console();

/// Whose the input is from now on. Before it runs; it outlives what is typed.
void give_console_input_to(InputReceiver& guest);

}  // namespace cairn
