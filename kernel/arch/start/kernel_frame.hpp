// SPDX-License-Identifier: MIT
// What kernel_trap_entry (kernel/arch/start/trap.S) saves when the hypervisor itself traps, and the
// names of the integer registers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cairn {

/// The integer registers x0..x31 at the time of a trap; x0 is stored as zero.
using Registers = std::array<std::uint64_t, 32>;

struct KernelFrame {
    Registers registers;
};
static_assert(sizeof(KernelFrame) == 256, "kernel_trap_entry reserves 256 bytes");

/// ABI names of x0..x31 (RISC-V psABI, "Integer register convention").
inline constexpr std::array<std::string_view, 32> register_names{
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

}  // namespace cairn
