// SPDX-License-Identifier: MIT
// Where a hart may be once it has carried out one instruction: behind it, or where it jumps to;
// both of a branch. Where it traps, it is elsewhere: that is the caller's to know. Pure: values in,
// values out, like kernel/arch/isa/instruction.hpp.
#pragma once

#include <cstdint>

#include <cairn/static_vector.hpp>
#include "kernel/arch/start/kernel_frame.hpp"

namespace cairn {

/// One or two addresses; what SRET goes back to is `sepc`. Of a 16-bit instruction the upper half
/// is ignored.
[[nodiscard]] static_vector<std::uint64_t, 2> next_instructions(std::uint32_t instruction,
                                                                std::uint64_t pc,
                                                                const Registers& x,
                                                                std::uint64_t sepc);

}  // namespace cairn
