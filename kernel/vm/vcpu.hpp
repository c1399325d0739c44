// SPDX-License-Identifier: MIT
// One virtual hart. Its integer registers are in `context` while the host runs; its VS CSRs and FP
// registers stay in the hart that it runs on, which it has for itself. Its interrupt lines are bits
// of hvip. Touched only by the hart that runs it.
#pragma once

#include <cstdint>

#include "kernel/arch/trap_cause.hpp"
#include "kernel/arch/vcpu_context.hpp"
#include "kernel/dev/interrupt_line.hpp"
#include "kernel/vm/guest_features.hpp"
#include "kernel/vm/recent_accesses.hpp"

namespace cairn {

/// An interrupt line that ends in a bit of hvip, in the hart at hand.
class VcpuInterrupt final : public InterruptLine {
  public:
    /// `interrupt` is virtual_supervisor_software, _timer or _external.
    explicit constexpr VcpuInterrupt(Interrupt interrupt) : mask_(bit(interrupt)) {}
    void set(bool asserted) override;

  private:
    std::uint64_t mask_;
};

class Vm;

class Vcpu {
  public:
    /// `hart_id` is the guest's number for it, from 0.
    Vcpu(Vm& vm, std::uint32_t hart_id) : vm_(vm) {
        context.vcpu = this;
        context.hart_id = hart_id;
    }
    Vcpu(const Vcpu&) = delete;
    Vcpu& operator=(const Vcpu&) = delete;

    /// Brings this hart's guest state to what the SBI boot protocol promises: VS-mode, paging off,
    /// interrupts off, a0 = hart id, a1 = `argument`, pc = `entry` (SBI, "Function: Hart start").
    void reset(std::uint64_t entry, std::uint64_t argument, const GuestFeatures& features);

    /// Ends what the vCPU has armed in the hart: its timer and its pending interrupts.
    void quiesce(const GuestFeatures& features);

    /// Lets the guest go on at `entry` in VS-mode with paging and interrupts off (SBI, "Hart
    /// suspend", non-retentive).
    void resume(std::uint64_t entry);

    /// Makes the guest take `exception` at its current pc, as hardware would (Privileged
    /// Architecture, "Supervisor", section "Trap Handling", for VS-mode).
    void inject(Exception exception, std::uint64_t trap_value);

    /// Where the guest's own trap handler starts, for exceptions.
    [[nodiscard]] std::uint64_t trap_vector() const;

    [[nodiscard]] Vm& vm() const { return vm_; }
    [[nodiscard]] std::uint64_t hart_id() const { return context.hart_id; }

    [[nodiscard]] VcpuInterrupt& software_interrupt() { return software_; }
    [[nodiscard]] VcpuInterrupt& timer_interrupt() { return timer_; }
    [[nodiscard]] VcpuInterrupt& external_interrupt() { return external_; }

    [[nodiscard]] RecentAccesses& recent_accesses() { return recent_accesses_; }

    VcpuContext context;

  private:
    Vm& vm_;
    RecentAccesses recent_accesses_;
    VcpuInterrupt software_{Interrupt::virtual_supervisor_software};
    VcpuInterrupt timer_{Interrupt::virtual_supervisor_timer};
    VcpuInterrupt external_{Interrupt::virtual_supervisor_external};
};

}  // namespace cairn
