// SPDX-License-Identifier: MIT
// A vCPU that waits in the host, on its own hart: for a start, for an interrupt of its guest, for
// other vCPUs. Meanwhile its hart sleeps where it can, and serves its interrupts and whoever asks
// something of it, so that no two vCPUs wait for each other. Every wait ends when the VM is
// stopped.
#pragma once

#include "kernel/vm/vm.hpp"

namespace cairn {

/// Waits until somebody starts the vCPU's hart, and brings it to where it is to begin; false where
/// the VM has been stopped.
[[nodiscard]] bool wait_for_start(Vm& vm, Vcpu& vcpu);

/// Puts the vCPU away and waits until an interrupt is pending that the guest has enabled, as wfi
/// would in the guest. It is for the caller to load it again.
void wait_for_guest_interrupt(Vm& vm, Vcpu& vcpu);

/// Waits, awake, until all whom `vcpu` has asked for a fence have fenced.
void wait_for_fence(Vm& vm, Vcpu& vcpu);

}  // namespace cairn
