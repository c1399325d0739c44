// SPDX-License-Identifier: MIT
// An aligned access of the guest to its RAM, carried out on the RAM itself, whatever the G-stage
// leaf permits: in one piece, as the hart would, so that other vCPUs see all of it or nothing.
#pragma once

#include <cstdint>

#include "kernel/arch/isa/instruction.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

enum class WholeAccess : std::uint8_t {
    done,         ///< the guest goes on behind it
    done_failed,  ///< the same of an SC that wrote nothing
    again,        ///< the guest has to try again
    impossible,
};

/// `instruction`, at pc, is `access`, to `at`, aligned, in RAM, which the guest itself may access.
///
/// Not an LR: the hart's own SC behind it would find no reservation, and fail without an exit. Of
/// an SC, whose LR the hart has carried out by itself, it is not known what that found. So the
/// first fails, and the guest begins again; the next succeeds if nobody has written there in
/// between, and so not since the LR. That harts write there only by exits is what makes it known.
[[nodiscard]] WholeAccess carry_out_whole(Vm& vm, Vcpu& vcpu, std::uint32_t instruction,
                                          const MemoryAccess& access, GuestPhys at);

}  // namespace cairn
