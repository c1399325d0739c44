// SPDX-License-Identifier: MIT
// The interrupt lines of a vCPU, each of which ends in a bit of hvip.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/arch/isa/trap_cause.hpp"
#include "kernel/dev/interrupt_line.hpp"

namespace cairn {

class Vcpu;

/// A line that ends in a bit of hvip of the hart at hand.
class VcpuInterrupt final : public InterruptLine {
  public:
    /// `interrupt` is virtual_supervisor_software, _timer or _external.
    explicit constexpr VcpuInterrupt(Interrupt interrupt) : mask_(bit(interrupt)) {}
    void set(bool asserted) override;
    [[nodiscard]] bool is_asserted() const;

  private:
    std::uint64_t mask_;
};

/// A line that ends in VSEIP of the hart where `owner` lies, and is driven from any hart; whoever
/// does holds the lock of the device behind it.
class ExternalInterrupt final : public InterruptLine {
  public:
    explicit constexpr ExternalInterrupt(Vcpu& owner) : owner_(owner) {}
    void set(bool asserted) override;
    /// Brings the hart at hand, which is the owner's, up to date.
    void apply() { apply(is_asserted()); }
    [[nodiscard]] bool is_asserted() const {
        return asserted_.load(std::memory_order_relaxed) != 0;
    }

  private:
    static void apply(bool asserted);

    Vcpu& owner_;
    std::atomic<std::uint8_t> asserted_ = 0;  // where a bool takes longer
};

}  // namespace cairn
