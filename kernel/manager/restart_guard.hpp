// SPDX-License-Identifier: MIT
// Whether a VM that has ended, and is to be started again, is: not for ever in a hurry. One that
// ends soon after each restart would end soon after the next; it stays off then. Pure. No locking.
#pragma once

#include <cstdint>

namespace cairn {

class RestartGuard {
  public:
    static constexpr unsigned most_in_a_row = 5;  ///< restarts, each of which
    static constexpr std::uint64_t seconds = 10;  ///< comes within this of the one before

    /// At `now` in ticks of `time`; false where it has been too often. A restart is counted.
    [[nodiscard]] bool may_restart(std::uint64_t now, std::uint64_t ticks_per_second) {
        const bool is_soon = now - last_ <= seconds * ticks_per_second;
        in_a_row_ = is_soon ? in_a_row_ : 0;
        if (in_a_row_ == most_in_a_row) return false;
        ++in_a_row_;
        last_ = now;
        return true;
    }

  private:
    unsigned in_a_row_ = 0;
    std::uint64_t last_ = 0;  ///< when the last restart was
};

}  // namespace cairn
