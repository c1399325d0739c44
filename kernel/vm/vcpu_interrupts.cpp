// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu_interrupts.hpp"

#include "kernel/arch/csr_access.hpp"
#include "kernel/vm/vcpu.hpp"

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

void ExternalInterrupt::set(bool asserted) {
    if (asserted_.exchange(asserted, std::memory_order_relaxed) == asserted) return;
    if (owner_.is_here()) {
        apply();
    } else {
        owner_.request(Request::external_line);
    }
}

void ExternalInterrupt::apply() {
    if (asserted_.load(std::memory_order_relaxed)) {
        csr_set<Csr::hvip>(Hip::VSEIP::mask);
    } else {
        csr_clear<Csr::hvip>(Hip::VSEIP::mask);
    }
}

}  // namespace cairn
