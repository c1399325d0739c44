// SPDX-License-Identifier: MIT
// What a hart of the machine does with a vCPU: it enters its guest whenever that can go on, and
// finds out what comes next when the guest is left.
#pragma once

#include "kernel/vm/vm.hpp"

namespace cairn {

/// Runs `vcpu` on the hart at hand from its VM's power-on to its end; no other hart runs it. The
/// hart is left to nobody.
void run_vcpu(Vcpu& vcpu);

}  // namespace cairn
