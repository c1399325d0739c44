// SPDX-License-Identifier: MIT
// Whether a vCPU's guest can go on. What it waits for is its state, and lies where others see it:
// the state of its hart (kernel/vm/vcpu/hart_states.hpp), a wfi that left the guest, and the fences
// that it asked for (kernel/vm/vcpu/fence.hpp). Handlers of exits only change it and leave the
// guest.
//
//     started           goes on as soon as all whom it asked for a fence have fenced
//       in a wfi        once an interrupt is pending that it has enabled
//     suspended         likewise
//     stopped           once somebody starts it, from its beginning
#pragma once

#include "kernel/vm/vm.hpp"

namespace cairn {

/// Whether the guest waits for something that ends its turn on a hart. On the vCPU's own hart.
[[nodiscard]] bool is_asleep(Vcpu& vcpu);

/// Whether the guest, which sleeps and lies in no hart, has something to do at `time`; or else when
/// it will, by the host's `time`, if nobody asks anything of it; all ones: never.
struct Wakening {
    bool now = false;
    std::uint64_t deadline = ~std::uint64_t{0};
};
[[nodiscard]] Wakening wakening(Vcpu& vcpu, std::uint64_t time);

/// Brings the vCPU into the hart at hand, whose hgatp is its VM's, so that its guest can be
/// entered. It does not sleep.
void bring_in(Vcpu& vcpu);

}  // namespace cairn
