// SPDX-License-Identifier: MIT
// A character as a 16550 receives it: the byte of RBR with what LSR says of it. It is what passes
// from the driver of the machine's UART to a guest's.
//
// Source: PC16550D data sheet (uart16550_registers.hpp), section "Line Status Register". PE, FE and
// BI belong to the character at the head of the FIFO; OE says that some were lost. Reading LSR
// resets them all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernel/arch/devices/uart16550_registers.hpp"

namespace cairn::uart16550 {

struct Character {
    std::byte value{};
    std::uint8_t errors = 0;  ///< some of lsr::errors; with BI the value is 0
    bool operator==(const Character&) const = default;
};

/// Puts together what a driver reads of LSR and RBR. A driver that also transmits reads LSR for
/// that, too, which must not lose the errors of a character that has just arrived.
class CharacterReader {
  public:
    constexpr CharacterReader() = default;

    /// LSR was read as `status`.
    constexpr void saw(std::uint8_t status) {
        errors_ = static_cast<std::uint8_t>(errors_ | (status & lsr::errors));
    }

    /// RBR was read as `value`, after LSR. A break is a zero: BI beside anything else is of a zero
    /// behind it, for QEMU shows a break as soon as it arrives, whatever waits in the FIFO.
    [[nodiscard]] constexpr Character take(std::byte value) {
        const auto later = value == std::byte{0} ? std::uint8_t{0} : lsr::break_interrupt::mask;
        const std::uint8_t errors = std::exchange(errors_, errors_ & later);
        return {value, static_cast<std::uint8_t>(errors & ~later)};
    }

    /// LSR has just said that no character waits.
    constexpr void is_drained() { errors_ = 0; }

  private:
    std::uint8_t errors_ = 0;
};

}  // namespace cairn::uart16550
