// SPDX-License-Identifier: MIT
// The machine's console. It starts on the firmware's (SBI) and moves to the machine's own UART once
// the device tree has told where that is; `platform_write` of lib/ ends here. Bytes leave in order
// and at once: nothing is buffered that a crash could lose. A lock makes each write one piece,
// lines of up to 160 bytes included; a panic writes without asking.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/host/machine.hpp"
#include "kernel/host/uart_driver.hpp"

namespace cairn {

/// Chooses how the firmware's console is written to: DBCN where SBI has it, else legacy putchar.
void start_firmware_console();

/// Moves the console to `uart`, once it has shown within `patience` ticks of `time` that it is
/// there; its receive interrupt is enabled. Where it is not, the firmware's console stays.
[[nodiscard]] std::expected<void, UartFault> move_console_to(const MachineUart& uart,
                                                             std::uint64_t patience);

/// From now on whoever writes does so without the lock: its holder may be the hart that crashed.
void console_ignore_lock();

/// Writes what a guest prints, as it is. Where it leaves a line unfinished, the hypervisor's own
/// next line starts on a new one. (`platform_write` also turns "\n" into "\r\n"; this does not.)
void console_write_guest(std::span<const char> bytes);

/// One byte that was typed, if there is one; only where the console is the machine's UART.
[[nodiscard]] std::optional<char> console_read();

}  // namespace cairn
