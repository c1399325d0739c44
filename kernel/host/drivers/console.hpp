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

#include "kernel/arch/devices/uart16550_character.hpp"
#include "kernel/host/boot/machine.hpp"
#include "kernel/host/drivers/uart_driver.hpp"

namespace cairn {

/// Chooses how the firmware's console is written to: DBCN where SBI has it, else legacy putchar.
void start_firmware_console();

/// Moves the console to `uart`, once it has shown within `patience` ticks of `time` that it is
/// there; its receive interrupt is enabled. Where it is not, the firmware's console stays.
[[nodiscard]] std::expected<void, UartFault> move_console_to(const MachineUart& uart,
                                                             std::uint64_t patience);

/// From now on whoever writes does so without the lock: its holder may be the hart that crashed.
void console_ignore_lock();

/// What begins each of the hypervisor's own lines once guests share the console: Data Link Escape,
/// which terminals do not show. A guest cannot begin a line so: its own are doubled, as in the
/// transparent modes of old links (docs/adr/0016).
inline constexpr char own_line_mark = '\x10';

/// From now on guests may write: the hypervisor's own lines are marked.
void share_console_with_guests();

/// Writes what a guest prints, as it is but for `own_line_mark`. Where it leaves a line unfinished,
/// the hypervisor's own next line starts on a new one, and the other way round. (`platform_write`
/// also turns "\n" into "\r\n"; this does not.)
void console_write_guest(std::span<const char> bytes);
void console_write_guest(char byte);

/// Writes what the monitor shows, its prompt and the line that is typed among it. It is the
/// hypervisor's own, but the hypervisor's next line of the log starts on a new one.
void console_write_monitor(std::string_view text);

/// What `platform_write` wrote last, some KiB of it, from `position` on, which moves behind what is
/// copied: positions count all bytes ever written. 0 at the end.
[[nodiscard]] std::size_t console_copy_log(std::uint64_t& position, std::span<char> to);

/// One character that was typed, or a break, if there is one; only where the console is the
/// machine's UART.
[[nodiscard]] std::optional<uart16550::Character> console_read();

}  // namespace cairn
