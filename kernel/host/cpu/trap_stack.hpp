// SPDX-License-Identifier: MIT
// The stack on which a trap of the hypervisor itself is reported: each hart has its own, because
// the trap may come from an exhausted stack. kernel_trap_entry (kernel/arch/start/trap.S) finds it
// by tp.
#pragma once

#include <cstddef>

namespace cairn {

inline constexpr std::size_t trap_stack_size = 16 << 10;

/// Where the hart's trap stack ends; starts as the boot hart's, for which the linker script has
/// room.
extern "C" constinit thread_local std::byte* trap_stack_end;

}  // namespace cairn
