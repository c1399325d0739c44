// SPDX-License-Identifier: MIT
// Actions that ask for much in a row: of the console, the timer, the hart's sleep, RAM, and of
// whatever keeps instructions.
#pragma once

#include <cstddef>

#include "tests/guests/hostile/random.hpp"

namespace cairn::guest::hostile {

/// One of them.
void flood(std::size_t hart, Random& random);

}  // namespace cairn::guest::hostile
