// SPDX-License-Identifier: MIT
// SBI specification, chapter "RFENCE Extension". The guest's only hart is the one at hand, and a
// fence of everything is a correct fence of any range and address space. Guests have no H
// extension, so the hfence calls are not supported.
#include "kernel/arch/hart_operations.hpp"
#include "kernel/exit/sbi.hpp"
#include "kernel/exit/sbi_harts.hpp"

namespace cairn {

SbiResult sbi_rfence(Vm&, Vcpu&, SbiCall call) {
    const auto function = static_cast<SbiRfence>(call.function);
    if (function > SbiRfence::remote_sfence_vma_asid) return sbi_error(SbiError::not_supported);
    const auto harts = select_harts(call.arguments[0], call.arguments[1], 1);
    if (!harts) return sbi_error(SbiError::invalid_param);
    if (*harts == 0) return sbi_success();
    if (function == SbiRfence::remote_fence_i) {
        fence_i();
    } else {
        hfence_vvma_all();
    }
    return sbi_success();
}

}  // namespace cairn
