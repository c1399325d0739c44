// SPDX-License-Identifier: MIT
// The calls that a vCPU of a guest is in, by the guest's frame pointers and its own page tables.
// RISC-V psABI, "Frame Pointer Convention":
//
//     fp      ┌──────────────────────┐ = sp at the call
//     fp -  8 │ return address       │
//     fp - 16 │ the caller's fp      │ above this one: the stack grows down
//
// A function that calls nobody may keep no return address, and have the caller's fp at fp - 8; of
// the innermost function that is seen by what it can be. Stacks are input: frames have to ascend,
// and there is a most of them. Nothing is written. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include <cairn/static_vector.hpp>
#include "kernel/vm/memory/guest_memory.hpp"

namespace cairn {

struct GuestFrame {
    enum class Source : std::uint8_t {
        pc,     ///< where the vCPU is
        ra,     ///< its register: its caller, if it has called nobody since it was called
        stack,  ///< a return address in a frame
    };
    Source source;
    std::uint64_t address;
    bool operator==(const GuestFrame&) const = default;
};
/// "pc", "ra" or "stack".
[[nodiscard]] std::string_view to_string(GuestFrame::Source source);

struct GuestBacktrace {
    static constexpr std::size_t most = 64;

    static_vector<GuestFrame, most> frames;  ///< the innermost first
    std::uint64_t frame_pointer = 0;         ///< with which it ends
    std::string_view reason;                 ///< why it ends there, a clause
};

/// What of a vCPU's registers it begins with.
struct GuestCallRegisters {
    std::uint64_t pc;
    std::uint64_t ra;
    std::uint64_t fp;     ///< s0
    std::uint64_t vsatp;  ///< by whose tables the stack is found
};

[[nodiscard]] GuestBacktrace unwind(const GuestMemory& memory, const GuestCallRegisters& registers);

}  // namespace cairn
