// SPDX-License-Identifier: MIT
// The registers of a supervisor-level software interrupt device. Source: RISC-V Advanced Core Local
// Interruptor Specification 1.0-rc4, chapter "Supervisor-level Software Interrupt Device (SSWI)":
// one of 32 bits for each hart; writing 1 sets the hart's sip.SSIP, reads give 0.
#pragma once

#include <cstdint>

namespace cairn::sswi {

inline constexpr std::uint32_t hart_limit = 4095;  ///< harts of one device

/// SETSSIP of the hart that the device's interrupts-extended names at `index`, from the base.
[[nodiscard]] constexpr std::uint64_t set_ssip(std::uint32_t index) {
    return std::uint64_t{index} * 4;
}

}  // namespace cairn::sswi
