// SPDX-License-Identifier: MIT
// Whether a VM hangs: for a whole period each of its vCPUs that has been started had an interrupt
// pending that it has enabled itself, ran, and did not take it. It is looked at now and then, so a
// look has to tell an interrupt that was not taken from the next one: a timer's deadline, which its
// handler moves, is the same.
//
//     looks     ▼       ▼       ▼       ▼       ▼
//     alive ────┘ stuck ┴───────┴───────┴───────┘ for the period: it hangs
//               └ every vCPU, the same deadline, and each has run since the last look
//
// Pure. No locking.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "kernel/arch/firmware/sbi.hpp"
#include "kernel/arch/guest/guest_state.hpp"

namespace cairn {

/// What a look at a vCPU finds.
struct VcpuLook {
    std::uint64_t pending = 0;   ///< interrupts that are pending and enabled, as bits of vsie
    std::uint64_t deadline = 0;  ///< of its timer
    std::uint64_t ran = 0;       ///< ticks that it has run so far
    bool is_started = false;
    bool sleeps = false;            ///< in a wfi
    bool takes_interrupts = false;  ///< in VU-mode, or with vsstatus.SIE
};
/// At the guest's `time`; the vCPU is at rest.
[[nodiscard]] VcpuLook look_at(const GuestState& state, std::uint64_t time);

class HangDetector {
  public:
    static constexpr std::size_t most_vcpus = 32;
    static constexpr std::uint64_t looks_per_period = 4;

    /// It is begun anew: what it did before does not count.
    void forget() {
        since_.reset();
        before_.fill({});
    }
    /// The looks of a round, at each vCPU.
    void begin_round() { is_alive_ = has_stuck_ = false; }
    void take(std::uint32_t cpu, const VcpuLook& look);
    /// Whether it hangs, at `now`, in ticks as `period`.
    [[nodiscard]] bool ends_round(std::uint64_t now, std::uint64_t period);

  private:
    [[nodiscard]] static bool is_stuck(const VcpuLook& before, const VcpuLook& look);

    std::array<VcpuLook, most_vcpus> before_{};
    std::optional<std::uint64_t> since_;  ///< the first round in which all were stuck
    bool is_alive_ = false;               ///< some vCPU is, in this round
    bool has_stuck_ = false;
};

}  // namespace cairn
