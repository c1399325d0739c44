// SPDX-License-Identifier: MIT
// The last exits of a VM over all of its vCPUs that are traced: what one wants to see of a VM that
// has died. No vCPU runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cairn/static_vector.hpp>
#include "kernel/vm/vm.hpp"

namespace cairn {

struct NumberedExit {
    std::uint32_t cpu = 0;
    std::uint64_t number = 0;
    ExitRecord record;
};

inline constexpr std::size_t most_last_exits = 16;
using LastExits = static_vector<NumberedExit, most_last_exits>;

/// From the newest back; as many as there are, and are kept.
[[nodiscard]] LastExits last_exits(Vm& vm);

/// Puts them into the log, in the order in which they were: a line each.
void log_last_exits(Vm& vm, std::uint64_t ticks_per_second);

}  // namespace cairn
