// SPDX-License-Identifier: MIT
// What time it is by the machine's real-time clock; where it has none, counted from its start.
#pragma once

#include <cstdint>

#include <cairn/spinlock.hpp>

namespace cairn {

/// The machine's real-time clock.
class HostRtc {
  public:
    /// Nanoseconds since 1970-01-01T00:00:00Z. One hart at a time.
    [[nodiscard]] virtual std::uint64_t read() = 0;

  protected:
    ~HostRtc() = default;
};

class HostClock {
  public:
    constexpr HostClock() = default;
    HostClock(const HostClock&) = delete;
    HostClock& operator=(const HostClock&) = delete;

    /// By `rtc`, which outlives it, or else by `time`, which has so many ticks a second. Once,
    /// before anybody asks.
    void start(HostRtc* rtc, std::uint64_t ticks_per_second) {
        rtc_ = rtc;
        ticks_per_second_ = ticks_per_second;
    }
    /// Nanoseconds since 1970-01-01T00:00:00Z, or since the start. Any hart may ask.
    [[nodiscard]] std::uint64_t now();

  private:
    Spinlock lock_;  ///< a leaf; one hart at a time is at the clock
    HostRtc* rtc_ = nullptr;
    std::uint64_t ticks_per_second_ = 1;
};

/// The machine's.
[[nodiscard]] HostClock& host_clock();

}  // namespace cairn
