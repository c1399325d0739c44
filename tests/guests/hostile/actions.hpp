// SPDX-License-Identifier: MIT
// What the hostile guest does: one action at a time, each chosen by a generator of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/guests/hostile/random.hpp"

namespace cairn::guest::hostile {

/// What the guest knows of its machine.
struct Machine {
    std::size_t harts = 0;
    std::size_t boot_hart = 0;
    std::uint64_t ram_end = 0;
};
extern Machine machine;

/// Does one thing that `random` chooses, on the hart at hand, `hart`. It may not come back, but
/// begin again at hostile_entry.
void act(std::size_t hart, Random random);

/// The first thing that was wrong, or empty.
[[nodiscard]] std::string_view failure();
void fail(const char* what);

}  // namespace cairn::guest::hostile
