// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/vcpu_interrupts.hpp"

#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/vm/vcpu/vcpu.hpp"

namespace cairn {

bool VcpuInterrupt::is_asserted() const {
    return (csr_read<Csr::hvip>() & mask_) != 0;
}

void VcpuInterrupt::set(bool asserted) {
    if (asserted) {
        csr_set<Csr::hvip>(mask_);
    } else {
        csr_clear<Csr::hvip>(mask_);
    }
}

/// Whoever drives it holds the device's lock, so nobody else writes in between.
void ExternalInterrupt::set(bool asserted) {
    const std::uint8_t level = asserted ? 1 : 0;
    if (asserted_.load(std::memory_order_relaxed) == level) return;
    asserted_.store(level, std::memory_order_relaxed);
    if (owner_.is_here()) {
        apply(asserted);
    } else {
        owner_.request(Request::external_line);
    }
}

void ExternalInterrupt::apply(bool asserted) {
    if (asserted) {
        csr_set<Csr::hvip>(Hip::VSEIP::mask);
    } else {
        csr_clear<Csr::hvip>(Hip::VSEIP::mask);
    }
}

}  // namespace cairn
