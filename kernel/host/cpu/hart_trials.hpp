// SPDX-License-Identifier: MIT
// Whether the hart at hand has what its node in the device tree says. QEMU's `spike` names Sstc and
// has no vstimecmp; what is told to a guest, or touched for it, is tried before. Each CSR, register
// file, henvcfg bit and cache-block instruction once, in an attempt that may trap
// (kernel/arch/start/guarded_call.hpp).
//
// Extensions of which neither Cairn nor the world switch touches anything, Zba for one, are
// believed.
#pragma once

#include "kernel/arch/isa/isa_string.hpp"
#include "kernel/arch/isa/stage2_mode.hpp"
#include "kernel/host/boot/machine.hpp"

namespace cairn {

/// What of `claimed` the hart at hand lacks; where that is H, nothing else is looked at. `hart` is
/// its node, for the size of cache blocks: blocks of another size are none. One hart at a time, for
/// all use the same page of memory; the hart runs no guest meanwhile.
[[nodiscard]] IsaSet missing_extensions(const IsaSet& claimed, const MachineHart& hart);

/// Whether the hart at hand can lose the interrupt of a guest's timer: one of QEMU's before 8.2.
/// Whoever changes a pending bit there, the guest included, looks whether vstimecmp has been
/// reached before it takes the lock under which it lowers the hart's interrupt; where the timer
/// fires in between, its interrupt is gone until the next change (QEMU 7.2,
/// target/riscv/cpu_helper.c, riscv_cpu_update_mip). `model` is the device tree's.
[[nodiscard]] bool loses_guest_timers(std::string_view model);

/// Whether a guest-page fault of the hart at hand says in htinst which instruction it was, which
/// hardware may leave out. `nothing` is the hgatp of a table that maps nothing; it is 0 afterwards.
[[nodiscard]] bool writes_htinst(std::uint64_t nothing);

/// Whether a store to `set_ssip`, a register of an SSWI, makes the supervisor software interrupt of
/// the hart at hand pending; nobody else interrupts it meanwhile. It is not pending afterwards.
[[nodiscard]] bool is_interrupted_by(HostPhys set_ssip);

/// What hgatp of the hart at hand keeps, which has H; it is 0 afterwards.
[[nodiscard]] Stage2Abilities stage2_abilities();

/// The size of a vector register of the hart at hand, which has V (vlenb).
[[nodiscard]] std::uint32_t vector_register_bytes();

/// Whether a cache block may be so many bytes.
[[nodiscard]] bool is_block_size(std::uint32_t bytes);

}  // namespace cairn
