// SPDX-License-Identifier: MIT
// Who called whom, from the chain of frame pointers (RISC-V psABI, "Frame Pointer Convention"): the
// word below the frame pointer is the return address, the one below that the caller's frame
// pointer. Only words inside the kernel's own stacks are read, so a broken chain ends the trace and
// nothing else.
#pragma once

#include <cstdint>

namespace cairn {

/// Prints `pc` (0: none), `caller` (where a function without a frame would return to; 0 if
/// unknown), and the return addresses up from `frame`, one per line, as `./run.sh` expects them to
/// name their functions: "  #0 0x0000000080201234" after a line "backtrace:".
void print_backtrace(std::uint64_t pc, std::uint64_t caller, std::uint64_t frame);

}  // namespace cairn
