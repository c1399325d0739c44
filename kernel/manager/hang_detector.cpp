// SPDX-License-Identifier: MIT
// Compiled: small. It runs a few times a minute.
#include "kernel/manager/hang_detector.hpp"

#include <utility>

#include "kernel/arch/isa/csr.hpp"

namespace cairn {

VcpuLook look_at(const GuestState& state, std::uint64_t time) {
    const bool is_user = !Sstatus::SPP::get(state.csrs.sstatus);
    return {.pending = state.wakes(time),
            .deadline = state.csrs.vstimecmp,
            .ran = 0,
            .is_started = false,
            .sleeps = false,
            .takes_interrupts = is_user || Sstatus::SIE::get(state.csrs.vsstatus)};
}

/// A vCPU that is not told apart from one that has just been started is not stuck.
bool HangDetector::is_stuck(const VcpuLook& before, const VcpuLook& look) {
    if (!before.is_started || look.sleeps) return false;
    const bool is_kept_waiting = !look.takes_interrupts && (look.pending & before.pending) != 0;
    return is_kept_waiting && look.deadline == before.deadline && look.ran != before.ran;
}

void HangDetector::take(std::uint32_t cpu, const VcpuLook& look) {
    const VcpuLook before = std::exchange(before_[cpu], look);
    if (!look.is_started) return;
    const bool stuck = is_stuck(before, look);
    is_alive_ = is_alive_ || !stuck;
    has_stuck_ = has_stuck_ || stuck;
}

bool HangDetector::ends_round(std::uint64_t now, std::uint64_t period) {
    if (is_alive_ || !has_stuck_) {
        since_.reset();
        return false;
    }
    if (!since_) since_ = now;
    return now - *since_ >= period;
}

}  // namespace cairn
