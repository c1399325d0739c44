// SPDX-License-Identifier: MIT
// Driver of the machine's own 16550, by polling for output and by interrupt for input. It keeps the
// line settings that the firmware has made.
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/arch/uart16550_registers.hpp"
#include "kernel/host/machine.hpp"

namespace cairn {

class UartDriver {
  public:
    constexpr UartDriver() = default;
    explicit UartDriver(const MachineUart& uart);

    /// Whether the driver knows the register layout: 1-byte or 4-byte accesses.
    [[nodiscard]] static bool supports(const MachineUart& uart);

    void write(char byte) const;
    /// A byte, if one has arrived. Ends a character timeout that has none behind it, too.
    [[nodiscard]] std::optional<char> read() const;
    void enable_receive_interrupt() const;

  private:
    [[nodiscard]] std::uint8_t get(uart16550::Register which) const;
    void set(uart16550::Register which, std::uint8_t value) const;

    std::uint64_t base_ = 0;
    std::uint32_t shift_ = 0;
    bool wide_ = false;  ///< registers are accessed as 32-bit words
    bool designware_ = false;
};

}  // namespace cairn
