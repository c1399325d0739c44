// SPDX-License-Identifier: MIT
#include "kernel/host/uart_driver.hpp"

namespace cairn {

using uart16550::Register;

UartDriver::UartDriver(const MachineUart& uart)
    : base_(uart.registers.base.value),
      shift_(uart.reg_shift),
      wide_(uart.reg_io_width == 4),
      designware_(uart.designware) {}

bool UartDriver::supports(const MachineUart& uart) {
    const bool width = uart.reg_io_width == 1 || uart.reg_io_width == 4;
    return width && uart.reg_shift <= 3 &&
           uart.registers.size >= uart16550::register_count << uart.reg_shift;
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

void UartDriver::write(char byte) const {
    while (!uart16550::lsr::thr_empty::get(get(Register::lsr))) {
    }
    set(Register::thr, static_cast<std::uint8_t>(byte));
}

std::optional<char> UartDriver::read() const {
    if (uart16550::lsr::data_ready::get(get(Register::lsr))) {
        return static_cast<char>(get(Register::rbr));
    }
    // DesignWare's variant may signal a timeout with an empty FIFO, until RBR is read. On any other
    // a byte that has just arrived would be lost by that.
    if (designware_ &&
        uart16550::iir::id::get(get(Register::iir)) == uart16550::InterruptId::character_timeout) {
        (void)get(Register::rbr);
    }
    return std::nullopt;
}

void UartDriver::enable_receive_interrupt() const {
    set(Register::fcr, uart16550::fcr::fifo_enable::of(true));
    set(Register::mcr, uart16550::mcr::dtr::of(true) | uart16550::mcr::rts::of(true) |
                           uart16550::mcr::out2::of(true));  // on PCs OUT2 lets the interrupt out
    set(Register::ier, uart16550::ier::received_data::of(true));
}

}  // namespace cairn
