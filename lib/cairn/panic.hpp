// SPDX-License-Identifier: MIT
// The end of the program by its own decision: a broken invariant, never bad input.
#pragma once

#include <cstddef>
#include <source_location>
#include <string_view>

#include "cairn/platform.hpp"

namespace cairn {

/// Reports `sentence` (what happened, with the values) and stops. For a formatted sentence, see
/// `panic_format` in lib/cairn/print.hpp.
[[noreturn]] inline void panic(std::string_view sentence,
                               std::source_location where = std::source_location::current()) {
    platform_panic(sentence, where);
}

/// Panics with `sentence` unless `condition` holds; stays on in every build.
constexpr void require(bool condition, std::string_view sentence,
                       std::source_location where = std::source_location::current()) {
    if (!condition) [[unlikely]] {
        panic(sentence, where);
    }
}
/// Whose length is known when it is compiled, however that is done.
template <std::size_t size>
constexpr void require(bool condition, const char (&sentence)[size],
                       std::source_location where = std::source_location::current()) {
    require(condition, std::string_view(sentence, size - 1), where);
}

}  // namespace cairn
