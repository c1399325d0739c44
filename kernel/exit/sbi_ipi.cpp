// SPDX-License-Identifier: MIT
// SBI specification, chapter "IPI Extension". A guest has one hart, so an IPI is one to itself.
#include "kernel/exit/sbi.hpp"
#include "kernel/exit/sbi_harts.hpp"

namespace cairn {

SbiResult sbi_ipi(Vm&, Vcpu& vcpu, SbiCall call) {
    if (static_cast<SbiIpi>(call.function) != SbiIpi::send_ipi) {
        return sbi_error(SbiError::not_supported);
    }
    const auto harts = select_harts(call.arguments[0], call.arguments[1], 1);
    if (!harts) return sbi_error(SbiError::invalid_param);
    if (*harts != 0) vcpu.software_interrupt().set(true);
    return sbi_success();
}

}  // namespace cairn
