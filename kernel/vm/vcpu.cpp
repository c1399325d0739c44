// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu.hpp"

#include <bit>

#include "kernel/arch/csr_access.hpp"
#include "kernel/arch/hart_operations.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {
namespace {

/// Exceptions that the guest handles itself: everything that its own page tables, programs and
/// instructions cause. What is left comes to the host: calls, guest-page faults, virtual
/// instructions.
constexpr std::uint64_t delegated_exceptions =
    bit(Exception::instruction_address_misaligned) | bit(Exception::instruction_access_fault) |
    bit(Exception::illegal_instruction) | bit(Exception::breakpoint) |
    bit(Exception::load_address_misaligned) | bit(Exception::load_access_fault) |
    bit(Exception::store_address_misaligned) | bit(Exception::store_access_fault) |
    bit(Exception::ecall_from_u) | bit(Exception::instruction_page_fault) |
    bit(Exception::load_page_fault) | bit(Exception::store_page_fault);
constexpr std::uint64_t delegated_interrupts = bit(Interrupt::virtual_supervisor_software) |
                                               bit(Interrupt::virtual_supervisor_timer) |
                                               bit(Interrupt::virtual_supervisor_external);
constexpr std::uint64_t never = ~std::uint64_t{0};

/// sstatus.FS or VS of what the guest has of FP or vector registers.
ExtensionState state_of(bool present) {
    return present ? ExtensionState::dirty : ExtensionState::off;
}

/// A start finds the registers that there are open and in use, as firmware (OpenSBI) hands a hart
/// over: there are kernels and boot loaders that rely on it.
void reset_vs_csrs(const GuestFeatures& features) {
    csr_write<Csr::vsstatus>(Sstatus::UXL::of(Xlen::rv64) | Sstatus::FS::of(state_of(features.fp)) |
                             Sstatus::VS::of(state_of(features.vector)));
    csr_write<Csr::vsie>(0);
    csr_write<Csr::vstvec>(0);
    csr_write<Csr::vsscratch>(0);
    csr_write<Csr::vsepc>(0);
    csr_write<Csr::vscause>(0);
    csr_write<Csr::vstval>(0);
    csr_write<Csr::vsatp>(0);
    // Not a VS CSR, but it rules VU-mode too. Kernels expect their firmware to have set it: Linux's
    // user space reads `time` without asking first.
    csr_write<Csr::scounteren>(free_running_counters);
    csr_write<Csr::senvcfg>(0);
}

void open_guest_mode(const GuestFeatures& features) {
    csr_write<Csr::hedeleg>(delegated_exceptions);
    csr_write<Csr::hideleg>(delegated_interrupts);
    csr_write<Csr::hie>(0);
    csr_write<Csr::hcounteren>(free_running_counters | features.counters.present);
    csr_write<Csr::htimedelta>(0);
    csr_write<Csr::henvcfg>(henvcfg_for(features));
    if (features.svadu) let_guests_choose_ad_updates();
    if (features.stateen) csr_write<Csr::hstateen0>(Hstateen0::ENVCFG::of(true));
    csr_write<Csr::hstatus>(Hstatus::SPV::of(true) | Hstatus::SPVP::of(true) |
                            Hstatus::VSXL::of(Xlen::rv64));
    // FS and VS open FP and vector registers to V=1, where vsstatus decides; the kernel itself uses
    // none.
    const std::uint64_t status =
        csr_read<Csr::sstatus>() & ~(Sstatus::SPIE::mask | Sstatus::SIE::mask | Sstatus::FS::mask |
                                     Sstatus::VS::mask | Sstatus::SUM::mask | Sstatus::MXR::mask);
    csr_write<Csr::sstatus>(status | Sstatus::SPP::of(true) |
                            Sstatus::FS::of(state_of(features.fp)) |
                            Sstatus::VS::of(state_of(features.vector)));
}

}  // namespace

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

void Vcpu::answer() {
    csr_clear<Csr::sip>(Sip::SSIP::mask);
    fence_csrs_and_memory();  // what is sent from here on comes again
    const std::uint32_t requests = bell_.answer();
    if ((requests & Request::software_interrupt) != 0) {
        software_.set(true);
        pmu_.count(SbiFirmwareEvent::ipi_received);
    }
    if ((requests & Request::external_line) != 0) external_.apply();
    for (FenceMail::Set senders = fence_mail_.take(); senders != 0; senders &= senders - 1) {
        const auto sender = static_cast<std::uint32_t>(std::countr_zero(senders));
        FenceMail& mail = vm_.vcpu(sender).fence_mail();
        carry_out(mail.fence());
        mail.report(context.hart_id);
    }
}

void Vcpu::forget_requests() {
    csr_clear<Csr::sip>(Sip::SSIP::mask);
    fence_csrs_and_memory();
    (void)bell_.answer();
    (void)fence_mail_.take();  // whoever asked has left, too
}

void Vcpu::reset(std::uint64_t entry, std::uint64_t argument, const GuestFeatures& features) {
    open_guest_mode(features);
    reset_vs_csrs(features);
    csr_write<Csr::hvip>(0);
    external_.apply();
    if (features.sstc) csr_write<Csr::vstimecmp>(never);
    if (features.fp) reset_guest_fp();
    if (features.vector) reset_guest_vector();
    forget_memory();
    context.x = {};
    context.x[10] = hart_id();
    context.has_sstc = features.sstc ? 1 : 0;
    context.x[11] = argument;
    context.pc = entry;
    locked_features_ = 0;
    pmu_.reset(features.counters.present);
    choose_exit_path();
    context.timer_renewal = features.timer_renewal;
    if (context.timer_renewal != 0) renew_timer();
}

void Vcpu::choose_exit_path() {
    const bool counts = pmu_.counts_fast_calls() || vm_.exit_counts() != nullptr;
    const bool renews = vm_.features().timer_renewal != 0;
    context.exit_entry = guest_exit_entry(counts   ? ExitPath::counting
                                          : renews ? ExitPath::renewing
                                                   : ExitPath::answering);
}

void Vcpu::renew_timer() const {
    // The next tick first: that write may lose the guest's interrupt as others do, and the last
    // write finds it.
    csr_write<Csr::stimecmp>(csr_read<Csr::time>() + context.timer_renewal);
    csr_set<Csr::sie>(Sip::STIP::mask);
    csr_write<Csr::vstimecmp>(csr_read<Csr::vstimecmp>());
}

void Vcpu::forget_memory() {
    fence_i();
    hfence_vvma_all();
}

void Vcpu::quiesce(const GuestFeatures& features) {
    release_hardware_counters(features.counters, pmu_.used_hardware());
    if (features.sstc) csr_write<Csr::vstimecmp>(never);
    csr_write<Csr::hvip>(0);
    csr_write<Csr::hie>(0);
    csr_clear<Csr::sie>(Sip::STIP::mask);
}

void Vcpu::resume(std::uint64_t entry) {
    csr_write<Csr::vsatp>(0);
    csr_clear<Csr::vsstatus>(Sstatus::SIE::mask);
    csr_set<Csr::sstatus>(Sstatus::SPP::mask);
    context.pc = entry;
}

void Vcpu::inject(Exception exception, std::uint64_t trap_value) {
    const std::uint64_t host_status = csr_read<Csr::sstatus>();
    std::uint64_t status = csr_read<Csr::vsstatus>();
    Sstatus::SPP::set(status, Sstatus::SPP::get(host_status));
    Sstatus::SPIE::set(status, Sstatus::SIE::get(status));
    Sstatus::SIE::set(status, false);
    csr_write<Csr::vsstatus>(status);
    csr_write<Csr::vsepc>(context.pc);
    csr_write<Csr::vscause>(static_cast<std::uint64_t>(exception));
    csr_write<Csr::vstval>(trap_value);
    csr_write<Csr::sstatus>(Sstatus::SPP::with(host_status, true));
    context.pc = trap_vector();
}

std::uint64_t Vcpu::trap_vector() const {
    return csr_read<Csr::vstvec>() & ~Stvec::MODE::mask;
}

}  // namespace cairn
