// SPDX-License-Identifier: MIT
// What time it is, and who says when an alarm may be due: all that an emulated real-time clock
// knows of the machine.
#pragma once

#include <cstdint>

namespace cairn {

class WallClock {
  public:
    /// Nanoseconds since 1970-01-01T00:00:00Z. Any hart may ask.
    [[nodiscard]] virtual std::uint64_t now() = 0;

  protected:
    ~WallClock() = default;
};

class AlarmOwner {
  public:
    /// The clock is to be looked at (GoldfishRtc::look) in `nanoseconds` from now, or soon after.
    /// Comes within an access of the guest, or within `look`.
    virtual void look_in(std::uint64_t nanoseconds) = 0;

  protected:
    ~AlarmOwner() = default;
};

}  // namespace cairn
