// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/host/drivers/host_clock.hpp"

#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;
/// Of a second: so that no product of ticks by it overflows, however fast they are.
constexpr std::uint64_t share = 1000;

constinit HostClock clock;

}  // namespace

HostClock& host_clock() {
    return clock;
}

std::uint64_t HostClock::now() {
    if (rtc_ != nullptr) {
        const SpinGuard guard(lock_);
        return rtc_->read();
    }
    const std::uint64_t ticks = csr_read<Csr::time>();
    const std::uint64_t rest = ticks % ticks_per_second_ * (nanoseconds_per_second / share);
    return ticks / ticks_per_second_ * nanoseconds_per_second + rest / ticks_per_second_ * share +
           rest % ticks_per_second_ * share / ticks_per_second_;
}

}  // namespace cairn
