// SPDX-License-Identifier: MIT
// The exits of the guest that measures them which hold the hart longest: the most that each kind
// can ask for at once.
#pragma once

namespace cairn::guest {

/// Prints `longest NAME N` for each: instructions from before the exit to behind it, the dearest
/// of several times.
void measure_longest_exits();

}  // namespace cairn::guest
