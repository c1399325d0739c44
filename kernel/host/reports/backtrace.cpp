// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It runs once per boot or per start of a guest.
#include "kernel/host/reports/backtrace.hpp"

#include <optional>

#include <cairn/print.hpp>
#include "kernel/host/boot/image_layout.hpp"
#include "kernel/host/cpu/this_hart.hpp"

namespace cairn {
namespace {

constexpr unsigned max_depth = 32;

/// Frames lie on the hart's stack or, of a trap report, on its trap stack.
bool is_readable_frame(std::uint64_t frame) {
    const HostPhys lowest{frame - 16};
    return frame % 8 == 0 && frame >= 16 &&
           (this_hart.stack.contains(lowest, 16) || this_hart.trap_stack.contains(lowest, 16));
}

struct Frame {
    std::uint64_t caller_frame;
    std::uint64_t return_address;
};

std::optional<Frame> read_frame(std::uint64_t frame) {
    if (!is_readable_frame(frame)) return std::nullopt;
    const auto* words = reinterpret_cast<const std::uint64_t*>(frame);
    return Frame{.caller_frame = words[-2], .return_address = words[-1]};
}

}  // namespace

void print_backtrace(std::uint64_t pc, std::uint64_t caller, std::uint64_t frame) {
    println("image at {}", static_cast<const void*>(__image_start));
    println("backtrace:");
    unsigned depth = 0;
    if (pc != 0) println("  #{} {:#018x}", depth++, pc);
    auto current = read_frame(frame);
    if (caller != 0 && (!current || current->return_address != caller)) {
        println("  #{} {:#018x}", depth++, caller);
    }
    while (current && current->return_address != 0 && depth < max_depth) {
        println("  #{} {:#018x}", depth++, current->return_address);
        if (current->caller_frame <= frame) return;  // the chain goes up the stack
        frame = current->caller_frame;
        current = read_frame(frame);
    }
}

}  // namespace cairn
