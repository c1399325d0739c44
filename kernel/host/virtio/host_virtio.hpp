// SPDX-License-Identifier: MIT
// The machine's virtio-mmio slots: each is looked into once, and what Cairn has a driver for is
// started.
#pragma once

#include "kernel/host/boot/machine.hpp"

namespace cairn {

/// Starts the drivers of what is in the slots of `machine`, whose interrupt controller has been
/// started. Says what is left alone, and why.
void start_virtio(const Machine& machine);

}  // namespace cairn
