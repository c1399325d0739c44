// SPDX-License-Identifier: MIT
// How many lines of the log a VM may cause by what it does again and again: some at once, and one
// more each second. Those that it may not are counted. Pure. No locking.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace cairn {

class LineBudget {
  public:
    static constexpr std::uint64_t most_at_once = 128;

    /// Whether one more may be said at `now`, in ticks of `time`; it is counted either way.
    [[nodiscard]] bool take(std::uint64_t now, std::uint64_t ticks_per_second) {
        const std::uint64_t seconds = (now - last_) / ticks_per_second;
        last_ += seconds * ticks_per_second;
        lines_ = std::min(lines_ + seconds, most_at_once);
        if (lines_ == 0) {
            ++hidden_;
            return false;
        }
        --lines_;
        return true;
    }
    /// How many were not said since this was last asked.
    std::uint64_t take_hidden() { return std::exchange(hidden_, 0); }

  private:
    std::uint64_t lines_ = most_at_once;
    std::uint64_t last_ = 0;  ///< when a second began
    std::uint64_t hidden_ = 0;
};

}  // namespace cairn
