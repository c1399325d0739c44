// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/vcpu.hpp"

#include <cairn/bits.hpp>
#include <cairn/panic.hpp>
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/host/cpu/host_timer.hpp"
#include "kernel/vm/vcpu/counter_moves.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {
namespace {

/// Exceptions that the guest handles itself: everything that its own page tables, programs and
/// instructions cause. What is left comes to the host: calls, guest-page faults, virtual
/// instructions, and misaligned accesses, until the guest wants them (SBI FWFT).
constexpr std::uint64_t delegated_exceptions =
    bit(Exception::instruction_address_misaligned) | bit(Exception::instruction_access_fault) |
    bit(Exception::illegal_instruction) | bit(Exception::breakpoint) |
    bit(Exception::load_access_fault) | bit(Exception::store_access_fault) |
    bit(Exception::ecall_from_u) | bit(Exception::instruction_page_fault) |
    bit(Exception::load_page_fault) | bit(Exception::store_page_fault);
constexpr std::uint64_t delegated_interrupts = bit(Interrupt::virtual_supervisor_software) |
                                               bit(Interrupt::virtual_supervisor_timer) |
                                               bit(Interrupt::virtual_supervisor_external);
constexpr std::uint64_t never = ~std::uint64_t{0};

/// sstatus.FS or VS of what the guest has of FP or vector registers.
ExtensionState state_of(bool present, ExtensionState state) {
    return present ? state : ExtensionState::off;
}

/// What a hart starts with. Its VS CSRs are 0, so that it begins in VS-mode with paging off and
/// interrupts off; but it finds the registers that there are open and in use, as firmware (OpenSBI)
/// hands a hart over: there are kernels and boot loaders that rely on it.
GuestCsrs csrs_at_start(const GuestFeatures& features) {
    constexpr auto initial = ExtensionState::initial;
    constexpr auto dirty = ExtensionState::dirty;
    return {
        .vsstatus = Sstatus::UXL::of(Xlen::rv64) | Sstatus::FS::of(state_of(features.fp, dirty)) |
                    Sstatus::VS::of(state_of(features.vector, dirty)),
        .vstimecmp = never,
        // Not a VS CSR, but it rules VU-mode too. Kernels expect their firmware to have set it:
        // Linux's user space reads `time` without asking first.
        .scounteren = free_running_counters,
        .henvcfg = henvcfg_for(features),
        .hedeleg = delegated_exceptions,
        .hideleg = delegated_interrupts,
        .hcounteren = free_running_counters | features.counters.present,
        .hstateen0 = Hstateen0::ENVCFG::of(true),
        .hstatus = Hstatus::SPV::of(true) | Hstatus::SPVP::of(true) | Hstatus::VSXL::of(Xlen::rv64),
        // FS and VS open FP and vector registers to V=1, where vsstatus decides; the kernel itself
        // uses none.
        .sstatus = Sstatus::SPP::of(true) | Sstatus::FS::of(state_of(features.fp, initial)) |
                   Sstatus::VS::of(state_of(features.vector, initial)),
    };
}

}  // namespace

constinit thread_local Vcpu* loaded_vcpu = nullptr;

/// Nothing on the target, where this is on the way of exits: the unit tests show that it holds.
void Vcpu::require_here() const {
    if constexpr (__STDC_HOSTED__ != 0) {
        require(is_here(), "a vCPU's CSRs are touched where its state lies");
    }
}

void Vcpu::load() {
    if (is_here()) return;
    if (loaded_vcpu != nullptr) loaded_vcpu->put_away();
    give_up_reservation();  // its own sc is not to succeed by another's lr
    state_.csrs.htimedelta = 0 - vm_.mark_loaded(context.hart_id);
    load_guest_state(state_);
    load_timer();
    if (pmu_.assigned_hardware() != 0) load_hardware_counters(vm_.features().counters, pmu_);
    loaded_vcpu = this;
    fence_for_loading();
}

/// Who asks for a fence sees it loaded by now; what was stored before is seen after this. What the
/// VM's other vCPUs have left in the hart is forgotten, too: they have the same VMID.
void Vcpu::fence_for_loading() {
    const FenceMail::Set senders = fence_mail().take();
    forget_memory();
    requests_.report_to(senders, *this);
}

void Vcpu::put_away() {
    require_here();
    if (pmu_.assigned_hardware() != 0) put_away_hardware_counters(vm_.features().counters, pmu_);
    save_guest_state(state_);
    put_away_timer();
    drop();
}

void Vcpu::drop() {
    vm_.mark_away(context.hart_id);
    loaded_vcpu = nullptr;
}

std::uint64_t Vcpu::host_deadline() const {
    const std::uint64_t deadline = state_.csrs.vstimecmp;
    const auto at = checked_add(deadline, vm_.time_lag());
    return at.value_or(never);
}

/// The host's timer stands in for the guest's, or renews it.
void Vcpu::load_timer() const {
    if (!state_.parts.sstc) return arm_host_timer(TimerUse::guest, host_deadline());
    if (context.timer_renewal != 0) renew_timer();
}

/// Where the host's timer stands in and is not armed any more, what has come is in hvip.
void Vcpu::put_away_timer() {
    if (!state_.parts.sstc && !is_host_timer_armed(TimerUse::guest)) state_.csrs.vstimecmp = never;
    disarm_host_timer(TimerUse::guest);
}

void Vcpu::answer() {
    require_here();
    csr_clear<Csr::sip>(Sip::SSIP::mask);
    fence_csrs_and_memory();  // what is sent from here on comes again
    const std::uint32_t requests = requests_.take();
    if ((requests & Request::software_interrupt) != 0) {
        software_.set(true);
        pmu_.count(SbiFirmwareEvent::ipi_received);
    }
    if ((requests & Request::input) != 0) vm().take_input();
    if ((requests & Request::external_line) != 0) external_.apply();
    requests_.carry_out_fences(*this);
}

/// The hart's SSIP stays as it is: since it was looked at, it may have come for another vCPU.
void Vcpu::answer_away() {
    const std::uint32_t requests = requests_.take();
    if ((requests & Request::input) != 0) vm().take_input();
    if ((requests & Request::software_interrupt) != 0) {
        state_.csrs.hvip |= Hip::VSSIP::mask;
        pmu_.count(SbiFirmwareEvent::ipi_received);
    }
    Hip::VSEIP::set(state_.csrs.hvip, external_.is_asserted());
}

void Vcpu::forget_requests() {
    requests_.forget();
    waits_for_interrupt_ = false;
}

void Vcpu::share_hart(HartUse use) {
    require_here();
    if (use == chosen_for_.load(std::memory_order_relaxed)) return;
    if (use == HartUse::wanted) {
        csr_set<Csr::hstatus>(Hstatus::VTW::mask);
    } else {
        csr_clear<Csr::hstatus>(Hstatus::VTW::mask);
    }
    hart_use_ = use;
    // Whoever has said otherwise meanwhile is seen below, or finds this and has the hart look anew.
    chosen_for_.exchange(use, std::memory_order_acq_rel);
    choose_exit_path();
}

void Vcpu::reset(std::uint64_t entry, std::uint64_t argument, const GuestFeatures& features) {
    if (is_here()) drop();
    require(!features.vector || state_.vector.registers != nullptr,
            "a vCPU with V has room for it");
    state_ = {.parts = {.sstc = features.sstc,
                        .stateen = features.stateen,
                        .fp = features.fp,
                        .vector = features.vector},
              .csrs = csrs_at_start(features),
              .fp = {},
              .vector = {.registers = state_.vector.registers}};
    take_ebreaks(vm_.debugging().takes_ebreaks());
    state_.csrs.hvip = Hip::VSEIP::of(external_.is_asserted());
    pmu_.reset(features.counters.present);
    context.timer_renewal = features.timer_renewal;
    hart_use_ = HartUse::alone;  // as hstatus has it now
    chosen_for_.exchange(HartUse::alone, std::memory_order_acq_rel);
    load();
    context.x = {};
    context.x[10] = hart_id();
    context.has_sstc = features.sstc ? 1 : 0;
    context.x[11] = argument;
    context.pc = entry;
    locked_features_ = 0;
    steal_time_.stop();
    waits_for_interrupt_ = false;
    choose_exit_path();
}

void Vcpu::take_ebreaks(bool wanted) {
    const std::uint64_t others = state_.csrs.hedeleg & ~bit(Exception::breakpoint);
    state_.csrs.hedeleg = others | (wanted ? 0 : bit(Exception::breakpoint));
}

void Vcpu::watch_exits(bool watched) {
    watched_.store(watched, std::memory_order_relaxed);
    chosen_for_.exchange(HartUse::unknown, std::memory_order_acq_rel);
    leave_guest();
    if (!is_here()) request(Request::look);
}

/// Where exits are watched it is also the last step before the guest is entered anew, each time.
void Vcpu::choose_exit_path() {
    const bool watched = watches_exits();
    if (watched) {
        exit_trace_.entered(csr_read<Csr::time>());
        chosen_for_.store(HartUse::unknown, std::memory_order_relaxed);
    }
    const bool renews = vm_.features().timer_renewal != 0;
    context.exit_entry = guest_exit_entry(watched || pmu_.counts_fast_calls() ? ExitPath::watched
                                          : shares_hart()                     ? ExitPath::sharing
                                          : renews                            ? ExitPath::renewing
                                                   : ExitPath::answering);
}

void Vcpu::renew_timer() const {
    // The next tick first: that write may lose the guest's interrupt as others do, and the last
    // write finds it.
    arm_host_timer(TimerUse::guest, csr_read<Csr::time>() + context.timer_renewal);
    csr_write<Csr::vstimecmp>(csr_read<Csr::vstimecmp>());
}

void Vcpu::forget_memory() {
    fence_i();
    hfence_vvma_all();
}

void Vcpu::quiesce(const GuestFeatures& features) {
    require_here();
    release_hardware_counters(features.counters, pmu_.assigned_hardware());
    if (features.sstc) csr_write<Csr::vstimecmp>(never);
    csr_write<Csr::hvip>(0);
    csr_write<Csr::hie>(0);
    disarm_host_timer(TimerUse::guest);
}

void Vcpu::resume(std::uint64_t entry) {
    require_here();
    csr_write<Csr::vsatp>(0);
    csr_clear<Csr::vsstatus>(Sstatus::SIE::mask);
    csr_set<Csr::sstatus>(Sstatus::SPP::mask);
    context.pc = entry;
}

void Vcpu::retire(const GuestFeatures& features) {
    require_here();
    save_guest_state(state_);
    quiesce(features);
    drop();
}

void Vcpu::inject(Exception exception, std::uint64_t trap_value) {
    require_here();
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

void Vcpu::set_timer(std::uint64_t deadline) {
    require_here();
    if (state_.parts.sstc) {
        csr_write<Csr::vstimecmp>(deadline);
    } else {
        state_.csrs.vstimecmp = deadline;
        timer_.set(false);
        arm_host_timer(TimerUse::guest, host_deadline());
    }
}

bool Vcpu::updates_ad_bits() const {
    require_here();
    return Henvcfg::ADUE::get(csr_read<Csr::henvcfg>());
}

bool Vcpu::update_ad_bits(bool wanted) {
    require_here();
    const std::uint64_t value = Henvcfg::ADUE::with(csr_read<Csr::henvcfg>(), wanted);
    csr_write<Csr::henvcfg>(value);
    return csr_read<Csr::henvcfg>() == value;
}

bool Vcpu::handles_misaligned() const {
    require_here();
    return (csr_read<Csr::hedeleg>() & misaligned_exceptions) != 0;
}

bool Vcpu::handle_misaligned(bool wanted) {
    require_here();
    const std::uint64_t others = csr_read<Csr::hedeleg>() & ~misaligned_exceptions;
    const std::uint64_t value = others | (wanted ? misaligned_exceptions : 0);
    csr_write<Csr::hedeleg>(value);
    return csr_read<Csr::hedeleg>() == value;
}

void Vcpu::mark_fp_changed() {
    require_here();
    csr_set<Csr::vsstatus>(Sstatus::FS::of(ExtensionState::dirty));
}

std::uint64_t Vcpu::trap_vector() const {
    return csr_read<Csr::vstvec>() & ~Stvec::MODE::mask;
}

}  // namespace cairn
