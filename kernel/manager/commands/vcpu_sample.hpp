// SPDX-License-Identifier: MIT
// The registers of a vCPU at one moment: taken on whichever hart sees it at rest
// (kernel/sched/scheduler.hpp), and read by who asked for it once `is_taken`.
#pragma once

#include <atomic>

#include <cairn/static_vector.hpp>
#include "kernel/arch/guest/guest_state.hpp"
#include "kernel/arch/guest/vcpu_context.hpp"
#include "kernel/bundle/bundle.hpp"
#include "kernel/sched/scheduler.hpp"

namespace cairn {

class VcpuSample final : public VcpuObserver {
  public:
    enum class State : std::uint8_t { empty, taken, gone };

    /// `wanted` becomes true when there is something to read; it outlives this.
    explicit constexpr VcpuSample(std::atomic<bool>& wanted) : wanted_(wanted) {}

    void at_rest(Vcpu& vcpu) override;
    void has_gone() override { end(State::gone); }

    void begin() { state_.store(State::empty, std::memory_order_relaxed); }
    [[nodiscard]] State state() const { return state_.load(std::memory_order_acquire); }

    // Once it is taken.
    [[nodiscard]] const Registers& x() const { return x_; }
    [[nodiscard]] std::uint64_t pc() const { return pc_; }
    [[nodiscard]] const GuestCsrs& csrs() const { return csrs_; }
    [[nodiscard]] SbiHartState hart_state() const { return hart_state_; }
    [[nodiscard]] bool waits_for_interrupt() const { return waits_for_interrupt_; }
    /// "VS" or "VU".
    [[nodiscard]] std::string_view mode() const;

  private:
    void end(State state) {
        state_.store(state, std::memory_order_release);
        wanted_.store(true, std::memory_order_release);
    }

    std::atomic<bool>& wanted_;
    std::atomic<State> state_ = State::empty;
    Registers x_{};
    std::uint64_t pc_ = 0;
    GuestCsrs csrs_;
    SbiHartState hart_state_{};
    bool waits_for_interrupt_ = false;
};

/// A control register of a guest by its name.
struct GuestCsrRow {
    const char* name;
    std::uint64_t GuestCsrs::* value;
};
/// Those that a reader of a guest's state wants: the VS CSRs, then what rules the guest.
[[nodiscard]] std::span<const GuestCsrRow> guest_csr_rows();

}  // namespace cairn
