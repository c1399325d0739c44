// SPDX-License-Identifier: MIT
// The states of a guest's harts (SBI specification, chapter "Hart State Management Extension"):
//
//                    start                 begin
//        stopped ───────────► start_pending ─────► started ──suspend──► suspended
//           ▲                                        │  ▲                   │
//           └──────────────── stop ──────────────────┘  └─────resume────────┘
//
// A hart starts another, and does all else for itself. Transitions are made under a lock, one by
// one; anybody may look at a state without it. The vCPU of a hart that is not started lies in no
// hart of the machine: it forgets all memory when it is loaded (kernel/vm/vcpu/vcpu.hpp). Pure.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include <cairn/spinlock.hpp>
#include "kernel/arch/firmware/sbi.hpp"

namespace cairn {

/// Where a hart begins, and what it finds in a1.
struct HartStartArguments {
    std::uint64_t address = 0;
    std::uint64_t opaque = 0;
    bool operator==(const HartStartArguments&) const = default;
};

class HartStates {
  public:
    static constexpr std::uint32_t max_harts = 32;

    /// Harts 0 to `count` - 1, up to max_harts, all stopped.
    explicit HartStates(std::uint32_t count) : count_(count) { stop_all(); }

    /// As when a machine is turned on: hart 0 is about to start, all others are stopped.
    void power_on(HartStartArguments boot);

    /// False where the hart is not stopped.
    [[nodiscard]] bool start(std::uint32_t hart, HartStartArguments arguments);
    /// Where the hart is to begin, if somebody has started it; it is started then.
    [[nodiscard]] std::optional<HartStartArguments> begin(std::uint32_t hart);
    /// Stops the hart; false where it was the last.
    [[nodiscard]] bool stop(std::uint32_t hart);
    void suspend(std::uint32_t hart) { set(hart, SbiHartState::suspended); }
    void resume(std::uint32_t hart) { set(hart, SbiHartState::started); }

    [[nodiscard]] std::uint32_t count() const { return count_; }
    [[nodiscard]] SbiHartState state(std::uint32_t hart) const {
        return states_[hart].load(std::memory_order_seq_cst);
    }
    /// Whether the hart executes, or may at any time: it is started or suspended.
    [[nodiscard]] bool is_running(std::uint32_t hart) const {
        const SbiHartState now = state(hart);
        return now != SbiHartState::stopped && now != SbiHartState::start_pending;
    }

    /// Whether every other hart is stopped, so that only `hart` could start one.
    [[nodiscard]] bool is_alone(std::uint32_t hart) const;

  private:
    void stop_all();
    void set(std::uint32_t hart, SbiHartState state);

    std::uint32_t count_;
    Spinlock lock_;
    std::array<std::atomic<SbiHartState>, max_harts> states_{};
    std::array<HartStartArguments, max_harts> arguments_{};
};

}  // namespace cairn
