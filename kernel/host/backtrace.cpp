// SPDX-License-Identifier: MIT
#include "kernel/host/backtrace.hpp"

#include "kernel/host/image_layout.hpp"
#include "lib/print.hpp"

namespace cairn {
namespace {

constexpr unsigned max_depth = 32;

/// Frames lie on the stack, or (of a trap report) in .bss.
bool is_readable_frame(std::uint64_t frame) {
    const HostRange stacks = range_between(__bss_start, __stack_top);
    return frame % 8 == 0 && frame >= 16 && stacks.contains({frame - 16}, 16);
}

}  // namespace

void print_backtrace(std::uint64_t pc, std::uint64_t frame) {
    println("backtrace:");
    for (unsigned depth = 0; depth < max_depth && pc != 0; ++depth) {
        println("  #{} {:#018x}", depth, pc);
        if (!is_readable_frame(frame)) return;
        const auto* words = reinterpret_cast<const std::uint64_t*>(frame);
        const std::uint64_t caller_frame = words[-2];
        pc = words[-1];
        if (caller_frame != 0 && caller_frame <= frame) return;  // the chain goes up the stack
        frame = caller_frame;
    }
}

}  // namespace cairn
