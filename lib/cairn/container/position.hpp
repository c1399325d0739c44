// SPDX-License-Identifier: MIT
// A position among elements that a caller gives, and where the caller stands: so that a wrong one
// is reported by the place that made the mistake, also by functions whose last parameter is a pack.
#pragma once

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

}  // namespace cairn
