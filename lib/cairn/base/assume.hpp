// SPDX-License-Identifier: MIT
// What is true at a place, for the optimizer: [[assume]], which GCC 12 does not know.
#pragma once

#include "cairn/base/language.hpp"

namespace cairn {

constexpr void assume(bool truth) {
#ifdef __clang__
    __builtin_assume(truth);
#else
    if (!truth) __builtin_unreachable();
#endif
}

}  // namespace cairn
