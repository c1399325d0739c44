// SPDX-License-Identifier: MIT
// The hart at hand, by `tp`: thread_local variables of the kernel are the hart's own.
#pragma once

#include <cstdint>

#include "kernel/arch/address.hpp"

namespace cairn {

struct ThisHart {
    std::uint64_t id = 0;  ///< the machine's number for it
    HostRange stack;
    HostRange trap_stack;
};
extern constinit thread_local ThisHart this_hart;

}  // namespace cairn
