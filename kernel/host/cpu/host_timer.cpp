// SPDX-License-Identifier: MIT
#include "kernel/host/cpu/host_timer.hpp"

#include <algorithm>
#include <array>

#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t never = ~std::uint64_t{0};
constinit thread_local std::array deadlines{never, never};  // by TimerUse
constinit bool has_comparator = false;

std::uint64_t& deadline_of(TimerUse use) {
    return deadlines[static_cast<std::size_t>(use)];
}

void arm_for_earliest() {
    const std::uint64_t earliest = std::ranges::min(deadlines);
    if (earliest == never) {
        csr_clear<Csr::sie>(Sip::STIP::mask);
    } else {
        // Either clears a pending interrupt.
        if (has_comparator) {
            csr_write<Csr::stimecmp>(earliest);
        } else {
            sbi_call(SbiExtension::time, SbiTime::set_timer, earliest);
        }
        csr_set<Csr::sie>(Sip::STIP::mask);
    }
}

}  // namespace

void use_timer_comparator(bool there) {
    has_comparator = there;
}

void arm_host_timer(TimerUse use, std::uint64_t deadline) {
    if (deadline == never) return disarm_host_timer(use);
    if (deadline == deadline_of(use) && is_host_timer_armed(use)) return;
    deadline_of(use) = deadline;
    arm_for_earliest();
}

void disarm_host_timer(TimerUse use) {
    if (deadline_of(use) == never) return;
    deadline_of(use) = never;
    arm_for_earliest();
}

bool is_host_timer_armed(TimerUse use) {
    return deadline_of(use) != never && (csr_read<Csr::sie>() & Sip::STIP::mask) != 0;
}

ExpiredTimers take_expired_timers() {
    const std::uint64_t now = csr_read<Csr::time>();
    const auto take = [now](TimerUse use) {
        const bool expired = deadline_of(use) <= now;
        if (expired) deadline_of(use) = never;
        return expired;
    };
    const ExpiredTimers expired{.guest = take(TimerUse::guest),
                                .scheduler = take(TimerUse::scheduler)};
    arm_for_earliest();
    return expired;
}

}  // namespace cairn
