// SPDX-License-Identifier: MIT
// Which functions a block comes from, and has to go back by.
#pragma once

#include <cstdint>
#include <string_view>

namespace cairn {

enum class Family : std::uint8_t { malloc, one, many, aligned_one, aligned_many };

/// The function that allocates.
[[nodiscard]] constexpr std::string_view taker(Family family) {
    switch (family) {
        case Family::malloc: return "malloc";
        case Family::one: return "new";
        case Family::many: return "new[]";
        case Family::aligned_one: return "new with an alignment";
        case Family::aligned_many: return "new[] with an alignment";
    }
    return "nobody";
}

/// The function that frees.
[[nodiscard]] constexpr std::string_view giver(Family family) {
    switch (family) {
        case Family::malloc: return "free";
        case Family::one: return "delete";
        case Family::many: return "delete[]";
        case Family::aligned_one: return "delete with an alignment";
        case Family::aligned_many: return "delete[] with an alignment";
    }
    return "nobody";
}

}  // namespace cairn
