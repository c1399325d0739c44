// SPDX-License-Identifier: MIT
// Compiled: for the target alone. It touches the machine's own devices and memory.
#include "kernel/host/drivers/uart_driver.hpp"

#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/start/guarded_call.hpp"

namespace cairn {

using uart16550::Register;

namespace {

/// Of IIR, where the FIFOs work; a 16550 without A shows one of them, and its FIFO is not to be
/// used.
constexpr std::uint8_t both_bits = 0b11;

// Nothing on a bus without a device gives back both, and neither is a command of a flash chip.
constexpr std::uint8_t scratch_values[] = {0x55, 0xaa};

}  // namespace

std::string_view to_string(UartFault fault) {
    switch (fault) {
        case UartFault::unknown_layout: return "its registers are laid out as I do not know";
        case UartFault::no_access: return "its registers cannot be accessed";
        case UartFault::no_scratch: return "its scratch register does not keep what is written";
        case UartFault::stuck: return "its transmitter does not become empty";
    }
    return "unknown error";
}

UartDriver::UartDriver(const MachineUart& uart)
    : base_(uart.registers.base.value),
      shift_(uart.reg_shift),
      wide_(uart.reg_io_width == 4),
      designware_(uart.designware) {
    line_status_ = line_status();
}

const volatile void* UartDriver::line_status() const {
    return reinterpret_cast<const volatile void*>(
        base_ + (static_cast<std::uint64_t>(Register::lsr) << shift_));
}

bool UartDriver::supports(const MachineUart& uart) {
    const bool width = uart.reg_io_width == 1 || uart.reg_io_width == 4;
    return width && uart.reg_shift <= uart16550::widest_shift &&
           uart.registers.size >= uart16550::register_count << uart.reg_shift;
}

std::expected<void, UartFault> UartDriver::try_out(std::uint64_t patience) const {
    bool scratch = true;
    bool empty = false;
    const bool completed = completes([&] {
        for (const std::uint8_t value : scratch_values)
            scratch = scratch && keeps(value);
        empty = scratch && becomes_empty(patience);
    });
    if (!completed) return std::unexpected(UartFault::no_access);
    if (!scratch) return std::unexpected(UartFault::no_scratch);
    if (!empty) return std::unexpected(UartFault::stuck);
    return {};
}

bool UartDriver::keeps(std::uint8_t scratch) const {
    set(Register::scr, scratch);
    return get(Register::scr) == scratch;
}

bool UartDriver::becomes_empty(std::uint64_t patience) const {
    const std::uint64_t begin = csr_read<Csr::time>();
    while (!uart16550::lsr::thr_empty::get(get(Register::lsr))) {
        if (csr_read<Csr::time>() - begin > patience) return false;
    }
    return true;
}

std::uint8_t UartDriver::get(Register which) const {
    const std::uint64_t address = base_ + (static_cast<std::uint64_t>(which) << shift_);
    if (wide_)
        return static_cast<std::uint8_t>(*reinterpret_cast<volatile std::uint32_t*>(address));
    return *reinterpret_cast<volatile std::uint8_t*>(address);
}

void UartDriver::set(Register which, std::uint8_t value) const {
    const std::uint64_t address = base_ + (static_cast<std::uint64_t>(which) << shift_);
    if (wide_) {
        *reinterpret_cast<volatile std::uint32_t*>(address) = value;
    } else {
        *reinterpret_cast<volatile std::uint8_t*>(address) = value;
    }
}

bool UartDriver::keep_errors(std::uint8_t status) {
    characters_.saw(status);
    return false;
}

void UartDriver::write(char byte) {
    for (;;) {
        const std::uint8_t status = get(Register::lsr);
        if (takes_more(status)) [[likely]]
            break;
        characters_.saw(status);
        if (uart16550::lsr::thr_empty::get(status)) break;
    }
    send(byte);
}

void UartDriver::wait_until_sent() {
    for (;;) {
        const std::uint8_t status = get(Register::lsr);
        characters_.saw(status);
        if (uart16550::lsr::transmitter_idle::get(status)) return;
    }
}

bool UartDriver::is_ready() {
    const std::uint8_t status = get(Register::lsr);
    characters_.saw(status);
    return uart16550::lsr::thr_empty::get(status);
}

void UartDriver::interrupt_when_ready(bool on) {
    line_status_ = on ? &never_ready : line_status();
    std::uint8_t enabled = interrupts_;
    uart16550::ier::transmitter_empty::set(enabled, on);
    set_interrupts(enabled);
}

void UartDriver::interrupt_for_input(bool on) {
    std::uint8_t enabled = interrupts_;
    uart16550::ier::received_data::set(enabled, on);
    set_interrupts(enabled);
}

void UartDriver::set_interrupts(std::uint8_t enabled) {
    interrupts_ = enabled;
    set(Register::ier, enabled);
}

// A break comes as a character, and with it the interrupt of received data; so the one of line
// status need not be enabled.
std::optional<uart16550::Character> UartDriver::read() {
    const std::uint8_t status = get(Register::lsr);
    if (uart16550::lsr::data_ready::get(status)) {
        characters_.saw(status);
        return characters_.take(std::byte{get(Register::rbr)});
    }
    characters_.is_drained();
    // DesignWare's variant may signal a timeout with an empty FIFO, until RBR is read. On any other
    // a byte that has just arrived would be lost by that.
    if (designware_ &&
        uart16550::iir::id::get(get(Register::iir)) == uart16550::InterruptId::character_timeout) {
        (void)get(Register::rbr);
    }
    return std::nullopt;
}

void UartDriver::start_interrupts() {
    set(Register::fcr, uart16550::fcr::fifo_enable::of(true));
    has_fifo_ = uart16550::iir::fifos_enabled::get(get(Register::iir)) == both_bits;
    set(Register::mcr, uart16550::mcr::dtr::of(true) | uart16550::mcr::rts::of(true) |
                           uart16550::mcr::out2::of(true));  // on PCs OUT2 lets the interrupt out
    interrupt_for_input(true);
}

}  // namespace cairn
