// SPDX-License-Identifier: MIT
// The machine's PLIC, as seen by the hart at hand: its S-mode context. Sources are enabled one by
// one; each is claimed, served and completed within one exit.
#pragma once

#include <cstdint>

#include "kernel/host/machine.hpp"

namespace cairn {

/// Takes `context` of the PLIC at `plic` for this hart, and lets interrupt `source` through, and no
/// other. False where no PLIC is there: accesses trap, or its registers do not keep what is
/// written.
[[nodiscard]] bool start_interrupt_controller(const MachinePlic& plic, std::uint32_t context,
                                              std::uint32_t source);

/// The pending interrupt that the hart is to serve now, or 0.
[[nodiscard]] std::uint32_t claim_host_interrupt();
void complete_host_interrupt(std::uint32_t source);

}  // namespace cairn
