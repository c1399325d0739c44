// SPDX-License-Identifier: MIT
// A list of the machine's harts as people write it: numbers and ranges of them, as in `0,2-3`.
// Pure. No allocation, no locking.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace cairn {

/// Harts by number from 0: bit n for hart n.
using HartSet = std::uint64_t;

inline constexpr std::uint32_t most_listed_harts = 64;  // a bit each

struct HartListError {
    enum class Reason : std::uint8_t { not_a_list, number_range, backwards };

    Reason reason{};
    std::string_view part;  ///< the number or range of the list that is wrong
};

/// At least one hart; blanks around numbers do not matter.
[[nodiscard]] std::expected<HartSet, HartListError> parse_hart_list(std::string_view text);

}  // namespace cairn
