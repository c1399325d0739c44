// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/commands/vcpu_sample.hpp"

#include <array>
#include <span>

namespace cairn {
namespace {

#define CAIRN_ROW(name)         \
    GuestCsrRow {               \
        #name, &GuestCsrs::name \
    }
constexpr std::array rows{
    CAIRN_ROW(vsstatus),   CAIRN_ROW(vstvec),     CAIRN_ROW(vsscratch), CAIRN_ROW(vsepc),
    CAIRN_ROW(vscause),    CAIRN_ROW(vstval),     CAIRN_ROW(vsatp),     CAIRN_ROW(vsie),
    CAIRN_ROW(hvip),       CAIRN_ROW(vstimecmp),  CAIRN_ROW(senvcfg),   CAIRN_ROW(scounteren),
    CAIRN_ROW(hstatus),    CAIRN_ROW(hedeleg),    CAIRN_ROW(hideleg),   CAIRN_ROW(henvcfg),
    CAIRN_ROW(hcounteren), CAIRN_ROW(htimedelta),
};
#undef CAIRN_ROW

}  // namespace

std::span<const GuestCsrRow> guest_csr_rows() {
    return rows;
}

void VcpuSample::at_rest(Vcpu& vcpu) {
    x_ = vcpu.context.x;
    pc_ = vcpu.context.pc;
    csrs_ = vcpu.state().csrs;
    hart_state_ = vcpu.vm().harts().state(static_cast<std::uint32_t>(vcpu.hart_id()));
    waits_for_interrupt_ = vcpu.waits_for_interrupt();
    end(State::taken);
}

/// Privileged Architecture, "Hypervisor Status (hstatus) Register": SPP is the mode that was left.
std::string_view VcpuSample::mode() const {
    return Sstatus::SPP::get(csrs_.sstatus) ? "VS" : "VU";
}

}  // namespace cairn
