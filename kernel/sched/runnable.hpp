// SPDX-License-Identifier: MIT
// Whether a vCPU's guest can go on, and what its hart does until then. What a vCPU waits for is its
// state, and lies where others see it: the state of its hart (kernel/vm/hart_states.hpp) and the
// fences that it asked for (kernel/vm/fence.hpp). Handlers of exits only leave the guest.
//
//     started           goes on as soon as all whom it asked for a fence have fenced
//     stopped           is nowhere; goes on once somebody starts it, from its beginning
//     suspended         is put away; goes on once an interrupt is pending that it has enabled
#pragma once

#include "kernel/vm/vm.hpp"

namespace cairn {

/// Brings `vcpu` as far as it can go now, on the hart that is its own: true if its guest can be
/// entered, and then its state lies in the hart.
[[nodiscard]] bool make_runnable(Vm& vm, Vcpu& vcpu);

/// Serves the hart's interrupts and sleeps, until the guest can be entered; false where the VM has
/// been stopped. Two vCPUs never wait for each other: one that waits answers what others ask.
[[nodiscard]] bool until_runnable(Vm& vm, Vcpu& vcpu);

}  // namespace cairn
