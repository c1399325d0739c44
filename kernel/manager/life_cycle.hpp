// SPDX-License-Identifier: MIT
// The life of the guests: what the VM archive asks for is checked, built, loaded, run, started
// again when a guest resets itself, and ended. Every mistake in the archive is a sentence in the
// log.
#pragma once

#include "kernel/host/boot/power.hpp"
#include "kernel/host/boot/this_machine.hpp"

namespace cairn {

/// Runs the VM of the archive until it ends, and says how the machine should.
[[nodiscard]] Outcome run_guests(const ThisMachine& self);

}  // namespace cairn
