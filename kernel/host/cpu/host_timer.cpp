// SPDX-License-Identifier: MIT
#include "kernel/host/cpu/host_timer.hpp"

#include "kernel/arch/csr_access.hpp"
#include "kernel/arch/sbi_call.hpp"

namespace cairn {

void arm_host_timer(std::uint64_t deadline) {
    if (deadline == ~std::uint64_t{0}) return disarm_host_timer();
    sbi_call(SbiExtension::time, SbiTime::set_timer, deadline);  // clears a pending interrupt
    csr_set<Csr::sie>(Sip::STIP::mask);
}

void disarm_host_timer() {
    csr_clear<Csr::sie>(Sip::STIP::mask);
}

}  // namespace cairn
