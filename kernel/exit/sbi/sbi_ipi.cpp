// SPDX-License-Identifier: MIT
// SBI specification, chapter "IPI Extension". Harts that do not run are passed over: they begin
// without pending interrupts.
#include <bit>

#include "kernel/exit/sbi/sbi_calls.hpp"
#include "kernel/exit/sbi/sbi_harts.hpp"

namespace cairn {

SbiResult sbi_ipi(Vm& vm, Vcpu& vcpu, SbiCall call) {
    if (static_cast<SbiIpi>(call.function) != SbiIpi::send_ipi) {
        return sbi_error(SbiError::not_supported);
    }
    const auto harts = select_harts(call.arguments[0], call.arguments[1], vm.cpus());
    if (!harts) return sbi_error(SbiError::invalid_param);
    IpiBatch batch;
    for (HartSet left = *harts; left != 0; left &= left - 1) {
        const auto hart = static_cast<std::uint32_t>(std::countr_zero(left));
        if (hart == vcpu.context.hart_id) {
            vcpu.software_interrupt().set(true);
            vcpu.pmu().count(SbiFirmwareEvent::ipi_received);
        } else if (vm.harts().is_running(hart)) {
            vm.vcpu(hart).request(Request::software_interrupt, batch);
        } else {
            continue;
        }
        vcpu.pmu().count(SbiFirmwareEvent::ipi_sent);
    }
    return sbi_success();
}

}  // namespace cairn
