// SPDX-License-Identifier: MIT
// Compiled: for the target alone. It touches the machine's own devices and memory.
#include "kernel/host/drivers/console.hpp"

#include <algorithm>
#include <atomic>

#include <cairn/platform.hpp>
#include <cairn/print.hpp>
#include <cairn/spinlock.hpp>
#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/host/drivers/log_ring.hpp"
#include "kernel/host/drivers/paced_output.hpp"

namespace cairn {

// Shaped for: "MMIO write, UART, a character to the console".
namespace {

enum class Backend : unsigned char { legacy_sbi, debug_console_sbi, uart };

/// Whose the line is that has been begun, if one has.
enum class OpenLine : unsigned char { none, guests, own, monitor };

struct Console {
    Backend backend = Backend::legacy_sbi;
    OpenLine open_line = OpenLine::none;
    bool marks_own_lines = false;
    std::atomic<bool> ignore_lock = false;
    Spinlock lock;
    UartDriver uart;
};
[[gnu::section(".data")]] constinit Console console;  // needed before .bss is clear
constinit LogRing<16 << 10> kept_log;                 // under the console's lock
constinit PacedOutput<UartDriver> to_uart;            // the same

constexpr std::size_t room_to_tell = 1024;         // of losses
constexpr std::uint64_t ticks_for_lock = 100'000;  // of `time`: 10 ms on QEMU

/// Holds the console's lock, unless the machine is on its last words.
class CAIRN_SCOPED_CAPABILITY OutputGuard {
  public:
    OutputGuard() CAIRN_ACQUIRE(console.lock) CAIRN_NO_THREAD_SAFETY_ANALYSIS
        : locked_(!console.ignore_lock) {
        if (locked_) console.lock.lock();
    }
    ~OutputGuard() CAIRN_RELEASE() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        if (locked_) console.lock.unlock();
    }
    OutputGuard(const OutputGuard&) = delete;
    OutputGuard& operator=(const OutputGuard&) = delete;

  private:
    bool locked_;
};

void write_through_debug_console(std::span<const char> bytes) {
    while (!bytes.empty()) {
        const auto address = reinterpret_cast<std::uint64_t>(bytes.data());
        const SbiResult written =
            sbi_call(SbiExtension::dbcn, SbiDbcn::console_write, bytes.size(), address, 0u);
        if (!written.ok() || written.value > bytes.size()) return;
        bytes = bytes.subspan(written.value);
    }
}

void transmit(char byte) {
    to_uart.write(console.uart, byte);
}

void write_bytes(std::span<const char> bytes) {
    switch (console.backend) {
        case Backend::uart:
            for (const char byte : bytes)
                transmit(byte);
            return;
        case Backend::debug_console_sbi: return write_through_debug_console(bytes);
        case Backend::legacy_sbi:
            for (const char byte : bytes)
                sbi_legacy_putchar(byte);
            return;
    }
}

constexpr std::string_view line_end = "\r\n";

void write_mark() {
    write_bytes({&own_line_mark, 1});
}

void write_guest_byte_to_uart(char byte) {
    if (byte == own_line_mark) [[unlikely]]
        write_mark();
    transmit(byte);
}

void write_guest_bytes_through_firmware(std::span<const char> bytes) {
    while (!bytes.empty()) {
        const std::string_view text(bytes.data(), bytes.size());
        const std::size_t mark = text.find(own_line_mark);
        const std::size_t run = std::min(mark, text.size() - 1) + 1;
        write_bytes(bytes.first(run));
        if (mark != std::string_view::npos) write_mark();
        bytes = bytes.subspan(run);
    }
}

/// Writes `bytes` with every mark doubled, as many as there is room for: at least the first.
std::size_t write_guest_bytes(std::span<const char> bytes) {
    if (console.backend != Backend::uart) {
        write_guest_bytes_through_firmware(bytes);
        return bytes.size();
    }
    std::size_t count = 0;
    while (count < bytes.size()) {
        const std::size_t sent = console.uart.try_write(bytes.subspan(count), own_line_mark);
        count += sent;
        if (sent != 0) [[likely]]
            continue;
        if (to_uart.are_guests_ahead()) return count;
        write_guest_byte_to_uart(bytes[count++]);
    }
    return count;
}

// Apart, so that the path of a guest's every character needs no place in memory and no frame.
[[gnu::noinline]] void write_guest_byte_through_firmware(char byte) {
    write_guest_bytes_through_firmware({&byte, 1});
}
void end_line() {
    write_bytes(line_end);
    console.open_line = OpenLine::none;
}

/// Two who write do not share a line.
void end_line_of(OpenLine other) {
    if (console.open_line == other) [[unlikely]]
        end_line();
}
/// Before what a guest writes: the log's or the monitor's.
void end_lines_of_own() {
    if (console.open_line >= OpenLine::own) [[unlikely]]
        end_line();
}

/// After what a guest has written, of which `last` is the end.
void note_line_of_guests(char last) {
    console.open_line = last == '\n' ? OpenLine::none : OpenLine::guests;
}

void write_own(std::string_view text, OpenLine whose) {
    if (console.open_line == OpenLine::none && console.marks_own_lines) write_mark();
    write_bytes(text);
    console.open_line = whose;
}

/// What the hypervisor itself could not say.
void tell_losses() {
    FixedBuffer<96> sentence;
    print(sentence, "cairn: {} bytes of its own lines are lost here: the console took nothing",
          to_uart.take_lost());
    if (console.open_line != OpenLine::none) end_line();
    write_own(sentence.view(), OpenLine::own);
    end_line();
}

/// Line by line, each of which is marked.
void write_lines(std::string_view text, OpenLine whose) {
    while (!text.empty()) {
        const std::size_t line = std::min(text.find('\n'), text.size());
        write_own(text.substr(0, line), whose);
        if (line == text.size()) return;
        end_line_of(whose);
        text.remove_prefix(line + 1);
    }
}

}  // namespace

void start_firmware_console() {
    console.backend =
        sbi_has(SbiExtension::dbcn) ? Backend::debug_console_sbi : Backend::legacy_sbi;
}

std::expected<void, UartFault> move_console_to(const MachineUart& uart, std::uint64_t patience) {
    if (!UartDriver::supports(uart)) return std::unexpected(UartFault::unknown_layout);
    const UartDriver driver(uart);
    const auto tried = driver.try_out(patience);
    if (!tried) return tried;
    console.uart = driver;
    console.uart.start_interrupts();
    console.backend = Backend::uart;
    return {};
}

// Who holds the lock may be another hart that is well, and about to give it back.
void console_ignore_lock() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    console.ignore_lock = true;
    const std::uint64_t begin = csr_read<Csr::time>();
    while (!console.lock.try_lock() && csr_read<Csr::time>() - begin < ticks_for_lock) {
    }
    if (console.backend != Backend::uart) return;
    to_uart.end(console.uart);
    console.uart.stop_trying();  // behind the last words guests do not speak
}

void console_queue_output(std::uint64_t patience) {
    const OutputGuard guard;
    if (console.backend == Backend::uart) to_uart.begin(patience);
}

void console_flush() {
    const OutputGuard guard;
    if (console.backend != Backend::uart) return;
    to_uart.end(console.uart);
    console.uart.wait_until_sent();
}

bool console_send_waiting() {
    const OutputGuard guard;
    const bool goes_on = to_uart.send_waiting(console.uart);
    if (to_uart.lost() != 0 && to_uart.room() >= room_to_tell) tell_losses();
    return goes_on;
}

void console_listen(bool on) {
    const OutputGuard guard;
    if (console.backend == Backend::uart) console.uart.interrupt_for_input(on);
}

bool console_takes_guests() {
    const OutputGuard guard;
    return to_uart.takes_guests();
}

void share_console_with_guests() {
    const OutputGuard guard;
    console.marks_own_lines = true;
}

// Behind the last words nobody else may speak: without the lock a guest could do so within a line.
std::size_t console_write_guest(std::span<const char> bytes) {
    if (bytes.empty() || console.ignore_lock) return bytes.size();
    const SpinGuard guard(console.lock);
    end_lines_of_own();
    const std::size_t count = write_guest_bytes(bytes);
    if (count != 0) note_line_of_guests(bytes[count - 1]);
    return count;
}

/// A character that is more than one store to the UART.
[[gnu::noinline]] static void write_unusual_guest_byte(GuestWriter& writer, char byte)
    CAIRN_RELEASE(console.lock) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    const bool is_ahead = to_uart.are_guests_ahead();
    const bool is_lost = is_ahead && !to_uart.take_credit();
    if (!console.ignore_lock && !is_lost) {
        end_lines_of_own();
        if (console.backend == Backend::uart) {
            write_guest_byte_to_uart(byte);
        } else {
            write_guest_byte_through_firmware(byte);
        }
        note_line_of_guests(byte);
    }
    console.lock.unlock();
    if (is_ahead) writer.console_is_full(is_lost);
}

// The commonest of all exits ends here: without a frame, and without the rest.
void console_write_guest(GuestWriter& writer, char byte) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    console.lock.lock();
    if (console.open_line >= OpenLine::own || byte == own_line_mark ||
        !console.uart.try_write(byte)) [[unlikely]]
        return write_unusual_guest_byte(writer, byte);
    note_line_of_guests(byte);
    console.lock.unlock();
}

std::optional<uart16550::Character> console_read() {
    if (console.backend != Backend::uart) return std::nullopt;
    const OutputGuard guard;
    return console.uart.read();
}

void platform_write(std::string_view text) {
    const OutputGuard guard;
    end_line_of(OpenLine::guests);
    end_line_of(OpenLine::monitor);
    write_lines(text, OpenLine::own);
    kept_log.put(text);
}

std::size_t console_copy_log(std::uint64_t& position, std::span<char> to) {
    const OutputGuard guard;
    return kept_log.copy(position, to);
}

void console_write_monitor(std::string_view text) {
    const OutputGuard guard;
    end_line_of(OpenLine::guests);
    end_line_of(OpenLine::own);
    write_lines(text, OpenLine::monitor);
}

}  // namespace cairn
