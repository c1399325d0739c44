// SPDX-License-Identifier: MIT
// The register side of an access that is carried out for the guest.
#pragma once

#include <cstdint>

#include "kernel/arch/isa/instruction.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

/// Whether the access's register can be touched: an f-register only where the guest has them on,
/// for the instruction may be another than the one that trapped.
[[nodiscard]] bool has_register_of(const Vcpu& vcpu, AccessKind kind);

/// What a load or atomic of memory leaves in the access's register.
void set_loaded(Vcpu& vcpu, const MemoryAccess& access, std::uint64_t value);

/// What a store writes.
[[nodiscard]] std::uint64_t value_to_store(const Vcpu& vcpu, const MemoryAccess& access);

}  // namespace cairn
