// SPDX-License-Identifier: MIT
// The machine's console. It starts on the firmware's (SBI) and moves to the machine's own UART once
// the device tree has told where that is; `platform_write` of lib/ ends here. A lock makes each
// write one piece, lines of up to 160 bytes included; a panic writes without asking.
//
// Bytes leave in the order in which they are written. While guests run, what the UART does not take
// at once waits for its interrupt (docs/adr/0027):
//
//     a guest  ──► up to 2 KiB wait: then it is told to stop, until 512 are left
//     the log, the monitor ──► up to 16 KiB; then the hart waits for the wire, if that moves
//
// Before that, afterwards and without an interrupt, who writes waits. The last words come behind
// all that waits.
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

/// From now on this hart alone writes, without the lock: its holder may be the hart that crashed.
/// What waits goes out before.
void console_ignore_lock();

/// From now on what the UART does not take at once waits for its interrupt, which is served. Where
/// the wire does not move for `patience` ticks of `time` though all room is used, what the
/// hypervisor writes is lost, with a count.
void console_queue_output(std::uint64_t patience);
/// From now on who writes waits for the UART again. What waits goes out before, and has left the
/// UART then.
void console_flush();
/// Sends of what waits as much as the UART takes: its interrupt has come. True where guests that
/// were told to stop may go on.
[[nodiscard]] bool console_send_waiting();
/// Whether characters that are typed interrupt.
void console_listen(bool on);

/// What begins each of the hypervisor's own lines once guests share the console: Data Link Escape,
/// which terminals do not show. A guest cannot begin a line so: its own are doubled, as in the
/// transparent modes of old links (docs/adr/0016).
inline constexpr char own_line_mark = '\x10';

/// From now on guests may write: the hypervisor's own lines are marked.
void share_console_with_guests();

/// Who writes what a guest prints, a character at a time.
class GuestWriter {
  public:
    /// It is to stop: from within `console_write_guest`, on the same hart, for each character that
    /// comes nevertheless. Some more are taken; then they are `lost`.
    virtual void console_is_full(bool lost) = 0;

  protected:
    ~GuestWriter() = default;
};

/// Writes what a guest prints, as it is but for `own_line_mark`. Where it leaves a line unfinished,
/// the hypervisor's own next line starts on a new one, and the other way round. (`platform_write`
/// also turns "\n" into "\r\n"; this does not.) How many there was room for.
[[nodiscard]] std::size_t console_write_guest(std::span<const char> bytes);
void console_write_guest(GuestWriter& writer, char byte);
/// Whether guests are not told to stop.
[[nodiscard]] bool console_takes_guests();

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
