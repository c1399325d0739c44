// SPDX-License-Identifier: MIT
// The hostile guest's SBI calls.
#pragma once

#include <cstddef>

#include "tests/guests/hostile/random.hpp"

namespace cairn::guest::hostile {

/// One call of any extension, but for those that end the run or stop harts.
void call_anything(std::size_t hart, Random& random);
/// Many IPIs and remote fences in a row.
void storm(std::size_t hart, Random& random);
/// Starts, stops and suspensions of harts.
void call_harts(std::size_t hart, Random& random);

}  // namespace cairn::guest::hostile
