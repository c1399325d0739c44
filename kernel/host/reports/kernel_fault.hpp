// SPDX-License-Identifier: MIT
// What the hypervisor has done wrong where its own page table refused an access. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/arch/address.hpp"

namespace cairn {

enum class FaultKind : std::uint8_t {
    other,           ///< no page fault: nothing to say
    stack_overflow,  ///< the page below the hart's stack
    null_pointer,
    write_to_code,
    write_to_constant,
    no_code,  ///< a jump to what is not code
    no_access,
};

/// The fault as a noun: "null pointer access".
[[nodiscard]] std::string_view to_string(FaultKind kind);

struct KernelFault {
    std::uint64_t scause = 0;
    HostPhys address;  ///< stval
    HostPhys sp;
};

/// Where the hart was; `code` is a part of `constants`.
struct FaultSurroundings {
    HostRange stack;
    HostRange constants;
    HostRange code;
};

[[nodiscard]] FaultKind classify_fault(const KernelFault& fault, const FaultSurroundings& where);

}  // namespace cairn
