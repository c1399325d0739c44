// SPDX-License-Identifier: MIT
// The machine's PLIC, as seen by the hart at hand: its S-mode context. Sources are enabled one by
// one.
#pragma once

#include <cstdint>

#include "kernel/host/boot/machine.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"

namespace cairn {

/// Takes `context` of the PLIC at `plic` for this hart, with nothing enabled. nullptr where no PLIC
/// is there: accesses trap, or its registers do not keep what is written.
[[nodiscard]] HostInterruptController* start_interrupt_controller(const MachinePlic& plic,
                                                                  std::uint32_t context);

}  // namespace cairn
