// SPDX-License-Identifier: MIT
// Driver of the machine's own 16550: input by interrupt, output by polling or, through a
// TransmitQueue, by interrupt. It keeps the line settings that the firmware has made.
#pragma once

#include <algorithm>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/arch/devices/uart16550_character.hpp"
#include "kernel/arch/devices/uart16550_registers.hpp"
#include "kernel/host/boot/machine.hpp"

namespace cairn {

/// Why a UART is left alone.
enum class UartFault : std::uint8_t {
    unknown_layout,  ///< registers at distances or of a width that the driver does not know
    no_access,       ///< touching its registers traps
    no_scratch,  ///< its scratch register does not keep what is written: something else is there
    stuck,       ///< its transmitter does not become empty
};

/// What is wrong, as the end of a sentence.
[[nodiscard]] std::string_view to_string(UartFault fault);

class UartDriver {
  public:
    constexpr UartDriver() = default;
    explicit UartDriver(const MachineUart& uart);

    /// Whether a 16550 is there, and sends what the firmware last gave it within `patience` ticks
    /// of `time`. Nothing is sent, no setting changed but the scratch register.
    [[nodiscard]] std::expected<void, UartFault> try_out(std::uint64_t patience) const;
    /// Whether the driver knows the register layout: 1-byte or 4-byte accesses.
    [[nodiscard]] static bool supports(const MachineUart& uart);

    /// Writes `byte` where the UART takes it now and nothing arrives in error: the usual case.
    [[nodiscard]] bool try_write(char byte) {
        return wide_ ? try_write_as<std::uint32_t>(byte) : try_write_as<std::uint8_t>(byte);
    }
    /// The same of as many as its FIFO takes at once: those of `bytes` before the first `end`. How
    /// many they were.
    [[nodiscard]] std::size_t try_write(std::span<const char> bytes, char end) {
        return wide_ ? try_write_as<std::uint32_t>(bytes, end)
                     : try_write_as<std::uint8_t>(bytes, end);
    }
    /// From now on `try_write` writes nothing.
    void stop_trying() { line_status_ = &never_ready; }
    /// Writes it in any case: waits until the UART takes it.
    void write(char byte);
    /// Waits until all that was written has left the UART.
    void wait_until_sent();

    // For a TransmitQueue (kernel/host/drivers/transmit_queue.hpp).
    [[nodiscard]] bool is_ready();
    void send(char byte) { set(uart16550::Register::thr, static_cast<std::uint8_t>(byte)); }
    /// Meanwhile `try_write` writes nothing: what waits elsewhere comes first.
    void interrupt_when_ready(bool on);
    [[nodiscard]] std::size_t depth() const { return has_fifo_ ? uart16550::fifo_depth : 1; }

    /// A character, if one has arrived. Ends a character timeout that has none behind it, too.
    [[nodiscard]] std::optional<uart16550::Character> read();
    /// Turns its FIFOs and its interrupts on, that of input at once.
    void start_interrupts();
    /// Whether input interrupts.
    void interrupt_for_input(bool on);

  private:
    /// One comparison for both: there is room, and nothing arrives in error.
    [[nodiscard]] static bool takes_more(std::uint8_t status) {
        constexpr std::uint8_t room = uart16550::lsr::thr_empty::mask;
        return (status & (uart16550::lsr::errors | room)) == room;
    }
    template <class Word>
    [[nodiscard]] bool try_write_as(char byte) {
        const Word status = *static_cast<const volatile Word*>(line_status_);
        if (!takes_more(static_cast<std::uint8_t>(status))) [[unlikely]]
            return keep_errors(static_cast<std::uint8_t>(status));
        *reinterpret_cast<volatile Word*>(base_) = static_cast<std::uint8_t>(byte);
        return true;
    }
    template <class Word>
    [[nodiscard]] std::size_t try_write_as(std::span<const char> bytes, char end) {
        const Word status = *static_cast<const volatile Word*>(line_status_);
        if (!takes_more(static_cast<std::uint8_t>(status))) [[unlikely]]
            return keep_errors(static_cast<std::uint8_t>(status));
        auto* const transmitter = reinterpret_cast<volatile Word*>(base_);
        const char* const first = bytes.data();
        const char* const last = first + std::min(bytes.size(), depth());
        const char* next = first;
#pragma clang loop unroll_count(8)
        for (; next != last && *next != end; ++next)
            *transmitter = static_cast<std::uint8_t>(*next);
        return static_cast<std::size_t>(next - first);
    }

    /// Of what has just arrived: reading the status has reset them. False.
    [[nodiscard]] bool keep_errors(std::uint8_t status);
    [[nodiscard]] bool keeps(std::uint8_t scratch) const;
    [[nodiscard]] bool becomes_empty(std::uint64_t patience) const;
    [[nodiscard]] std::uint8_t get(uart16550::Register which) const;
    void set(uart16550::Register which, std::uint8_t value) const;
    void set_interrupts(std::uint8_t enabled);
    [[nodiscard]] const volatile void* line_status() const;

    /// The line status of no UART: it takes nothing.
    static constexpr std::uint32_t never_ready = 0;

    std::uint64_t base_ = 0;
    const volatile void* line_status_ = &never_ready;  ///< its register, which every byte waits for
    std::uint32_t shift_ = 0;
    bool wide_ = false;  ///< registers are accessed as 32-bit words
    bool designware_ = false;
    bool has_fifo_ = false;
    std::uint8_t interrupts_ = 0;  ///< what IER holds
    uart16550::CharacterReader characters_;
};

}  // namespace cairn
