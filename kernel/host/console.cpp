// SPDX-License-Identifier: MIT
#include "kernel/host/console.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "kernel/arch/sbi_call.hpp"
#include "lib/platform.hpp"
#include "lib/spinlock.hpp"

namespace cairn {
namespace {

enum class Backend : unsigned char { legacy_sbi, debug_console_sbi, uart };

struct Console {
    Backend backend = Backend::legacy_sbi;
    bool guest_line_is_open = false;
    std::atomic<bool> ignore_lock = false;
    Spinlock lock;
    UartDriver uart;
};
[[gnu::section(".data")]] constinit Console console;  // needed before .bss is clear

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

void write_bytes(std::span<const char> bytes) {
    switch (console.backend) {
        case Backend::uart:
            for (const char byte : bytes)
                console.uart.write(byte);
            return;
        case Backend::debug_console_sbi: return write_through_debug_console(bytes);
        case Backend::legacy_sbi:
            for (const char byte : bytes)
                sbi_legacy_putchar(byte);
            return;
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
    console.uart.enable_receive_interrupt();
    console.backend = Backend::uart;
    return {};
}

void console_ignore_lock() {
    console.ignore_lock = true;
}

void console_write_guest(std::span<const char> bytes) {
    if (bytes.empty()) return;
    const OutputGuard guard;
    write_bytes(bytes);
    console.guest_line_is_open = bytes.back() != '\n';
}

std::optional<char> console_read() {
    if (console.backend != Backend::uart) return std::nullopt;
    return console.uart.read();
}

void platform_write(std::string_view text) {
    const OutputGuard guard;
    if (std::exchange(console.guest_line_is_open, false)) write_bytes({"\r\n", 2});
    while (!text.empty()) {
        const std::size_t line = std::min(text.find('\n'), text.size());
        write_bytes({text.data(), line});
        if (line == text.size()) return;
        write_bytes({"\r\n", 2});
        text.remove_prefix(line + 1);
    }
}

}  // namespace cairn
