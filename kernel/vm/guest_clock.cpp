// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/vm/guest_clock.hpp"

#include <algorithm>

#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t microseconds_per_second = 1'000'000;
/// What is further away is looked at on the way: the two clocks need not run alike.
constexpr std::uint64_t longest = 3600 * microseconds_per_second;

}  // namespace

/// The devices of a VM may be its vCPU's alone; so the vCPU is asked to look.
bool GuestClock::work() {
    vm_->alarm_is_due();
    return false;
}

void GuestClock::look_soon() {
    tasks_.want_soon(*this);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

/// Rounded up, so that the alarm is due then. The vCPU that has set it leaves its guest, for its
/// hart to see when it has to be awake.
void GuestClock::look_in(std::uint64_t nanoseconds) {
    const std::uint64_t microseconds = std::min(nanoseconds / 1000, longest) + 1;
    const std::uint64_t rest = microseconds % microseconds_per_second * ticks_per_second_;
    const std::uint64_t ticks = microseconds / microseconds_per_second * ticks_per_second_ +
                                rest / microseconds_per_second + 1;
    tasks_.want_at(*this, csr_read<Csr::time>() + ticks);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

}  // namespace cairn
