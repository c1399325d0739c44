// SPDX-License-Identifier: MIT
#include "kernel/arch/guest/guest_state.hpp"

#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {
namespace {

/// The fields of sstatus that are the guest's while the host runs.
constexpr std::uint64_t own_status = Sstatus::SPP::mask | Sstatus::FS::mask | Sstatus::VS::mask;
/// Those that the host clears: they would change what it does on the guest's behalf.
constexpr std::uint64_t cleared_status =
    Sstatus::SPIE::mask | Sstatus::SIE::mask | Sstatus::SUM::mask | Sstatus::MXR::mask;

void load_csrs(const GuestCsrs& csrs, const GuestStateParts& parts) {
    csr_write<Csr::hedeleg>(csrs.hedeleg);
    csr_write<Csr::hideleg>(csrs.hideleg);
    csr_write<Csr::hcounteren>(csrs.hcounteren);
    csr_write<Csr::htimedelta>(csrs.htimedelta);
    csr_write<Csr::henvcfg>(csrs.henvcfg);
    if (parts.stateen) csr_write<Csr::hstateen0>(csrs.hstateen0);
    csr_write<Csr::hstatus>(csrs.hstatus);
    csr_write<Csr::vsstatus>(csrs.vsstatus);
    csr_write<Csr::hie>(0);  // what vsie does not alias
    csr_write<Csr::vsie>(csrs.vsie);
    csr_write<Csr::vstvec>(csrs.vstvec);
    csr_write<Csr::vsscratch>(csrs.vsscratch);
    csr_write<Csr::vsepc>(csrs.vsepc);
    csr_write<Csr::vscause>(csrs.vscause);
    csr_write<Csr::vstval>(csrs.vstval);
    csr_write<Csr::vsatp>(csrs.vsatp);
    csr_write<Csr::scounteren>(csrs.scounteren);
    csr_write<Csr::senvcfg>(csrs.senvcfg);
    if (parts.sstc) csr_write<Csr::vstimecmp>(csrs.vstimecmp);
    csr_write<Csr::hvip>(csrs.hvip);
}

void save_csrs(GuestCsrs& csrs, const GuestStateParts& parts) {
    csrs.hedeleg = csr_read<Csr::hedeleg>();
    csrs.hideleg = csr_read<Csr::hideleg>();
    csrs.hcounteren = csr_read<Csr::hcounteren>();
    csrs.htimedelta = csr_read<Csr::htimedelta>();
    csrs.henvcfg = csr_read<Csr::henvcfg>();
    if (parts.stateen) csrs.hstateen0 = csr_read<Csr::hstateen0>();
    csrs.hstatus = csr_read<Csr::hstatus>();
    csrs.vsstatus = csr_read<Csr::vsstatus>();
    csrs.vsie = csr_read<Csr::vsie>();
    csrs.vstvec = csr_read<Csr::vstvec>();
    csrs.vsscratch = csr_read<Csr::vsscratch>();
    csrs.vsepc = csr_read<Csr::vsepc>();
    csrs.vscause = csr_read<Csr::vscause>();
    csrs.vstval = csr_read<Csr::vstval>();
    csrs.vsatp = csr_read<Csr::vsatp>();
    csrs.scounteren = csr_read<Csr::scounteren>();
    csrs.senvcfg = csr_read<Csr::senvcfg>();
    if (parts.sstc) csrs.vstimecmp = csr_read<Csr::vstimecmp>();
    csrs.hvip = csr_read<Csr::hvip>();
}

/// The host's sstatus with the guest's fields of `status`.
void set_status(std::uint64_t status) {
    const std::uint64_t host = csr_read<Csr::sstatus>() & ~(own_status | cleared_status);
    csr_write<Csr::sstatus>(host | (status & own_status));
}

/// Whether the registers have changed since they were loaded. A write of the control register alone
/// leaves sstatus as it is on QEMU 7.2, so it is saved in any case; where it has left its reset
/// value the registers are initial no more.
bool fp_is_newer(GuestFp& fp, ExtensionState state) {
    if (state == ExtensionState::dirty) return true;
    save_guest_fp_control(&fp);
    return state == ExtensionState::initial && fp.fcsr != 0;
}

bool vector_is_newer(GuestVector& vector, ExtensionState state) {
    if (state == ExtensionState::dirty) return true;
    save_guest_vector_control(&vector);
    return state == ExtensionState::initial &&
           (vector.vtype != GuestVector::illegal_type || (vector.vstart | vector.vcsr) != 0);
}

}  // namespace

void load_guest_state(const GuestState& state) {
    load_csrs(state.csrs, state.parts);
    set_status(state.csrs.sstatus | Sstatus::FS::mask | Sstatus::VS::mask);  // on, for the loads
    if (state.parts.fp) {
        if (Sstatus::FS::get(state.csrs.sstatus) == ExtensionState::initial) {
            reset_guest_fp();
        } else {
            load_guest_fp(&state.fp);
        }
    }
    if (state.parts.vector) {
        if (Sstatus::VS::get(state.csrs.sstatus) == ExtensionState::initial) {
            reset_guest_vector();
        } else {
            load_guest_vector(&state.vector);
        }
    }
    set_status(state.csrs.sstatus);
}

void save_guest_state(GuestState& state) {
    save_csrs(state.csrs, state.parts);
    std::uint64_t status = csr_read<Csr::sstatus>() & own_status;
    if (state.parts.fp && fp_is_newer(state.fp, Sstatus::FS::get(status))) {
        save_guest_fp(&state.fp);
        Sstatus::FS::set(status, ExtensionState::clean);
    }
    if (state.parts.vector && vector_is_newer(state.vector, Sstatus::VS::get(status))) {
        save_guest_vector(&state.vector);
        Sstatus::VS::set(status, ExtensionState::clean);
    }
    state.csrs.sstatus = status;
    set_status(status);
}

void silence_guest_interrupts() {
    csr_write<Csr::hie>(0);
    csr_write<Csr::hvip>(0);
    csr_write<Csr::vsatp>(0);
}

}  // namespace cairn
