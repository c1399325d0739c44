// SPDX-License-Identifier: MIT
// A position or an index among elements that a caller gives, and where the caller stands: so that a
// wrong one is reported by the place that made the mistake, also by functions whose last parameter
// is a pack, and by operator[], which has no default arguments before GCC 13.
#pragma once

#include <concepts>
#include <cstddef>
#include <source_location>

namespace cairn {

template <class T>
struct Position {
    constexpr Position(const T* position,  // NOLINT: implicit, where a position is passed
                       std::source_location caller = std::source_location::current())
        : at(position), where(caller) {}

    const T* at;
    std::source_location where;
};

struct Index {
    template <std::convertible_to<std::size_t> Number>
    constexpr Index(Number number,  // NOLINT: implicit, where an index is passed
                    std::source_location caller = std::source_location::current())
        : at(static_cast<std::size_t>(number)), where(caller) {}

    std::size_t at;
    std::source_location where;
};

}  // namespace cairn
