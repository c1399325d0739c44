// SPDX-License-Identifier: MIT
// Whether a VM that has ended is started again: as its vm.conf asks, but not for ever in a hurry.
// One that ends soon after each restart would end soon after the next; it stays off then.
// Pure. No locking.
#pragma once

#include <cstdint>

#include "kernel/bundle/vm_config.hpp"

namespace cairn {

class RestartGuard {
  public:
    static constexpr unsigned most_in_a_row = 5;  ///< restarts, each of which
    static constexpr std::uint64_t seconds = 10;  ///< comes within this of the one before

    enum class Answer : std::uint8_t { stay_off, restart, too_often };

    /// At `now` in ticks of `time`; a restart is counted.
    [[nodiscard]] Answer ask(RestartPolicy policy, bool has_failed, std::uint64_t now,
                             std::uint64_t ticks_per_second) {
        const bool wanted =
            policy == RestartPolicy::always || (policy == RestartPolicy::on_failure && has_failed);
        if (!wanted) return Answer::stay_off;
        const bool is_soon = now - last_ <= seconds * ticks_per_second;
        in_a_row_ = is_soon ? in_a_row_ : 0;
        if (in_a_row_ == most_in_a_row) return Answer::too_often;
        ++in_a_row_;
        last_ = now;
        return Answer::restart;
    }

  private:
    unsigned in_a_row_ = 0;
    std::uint64_t last_ = 0;  ///< when the last restart was
};

}  // namespace cairn
