// SPDX-License-Identifier: MIT
// Alignment arithmetic on unsigned integers; every function is total, overflow is an empty
// optional.
#pragma once

#include <bit>
#include <concepts>
#include <optional>

#include "cairn/base/language.hpp"

namespace cairn {

/// The largest multiple of `alignment` (a power of two) that is <= `value`.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T align_down(T value, T alignment) {
    return value & static_cast<T>(~(alignment - 1));
}

/// The smallest multiple of `alignment` (a power of two) that is >= `value`; nothing on overflow.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> align_up(T value, T alignment) {
    const T low = static_cast<T>(alignment - 1);
    const T sum = static_cast<T>(value + low);
    if (sum < value) return std::nullopt;
    return static_cast<T>(sum & static_cast<T>(~low));
}

template <std::unsigned_integral T>
[[nodiscard]] constexpr bool is_aligned(T value, T alignment) {
    return (value & static_cast<T>(alignment - 1)) == 0;
}

/// `a + b`, or nothing where it does not fit.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, T b) {
    const T sum = static_cast<T>(a + b);
    if (sum < a) return std::nullopt;
    return sum;
}

/// `a * b`, or nothing where it does not fit.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_multiply(T a, T b) {
    T product{};
    if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
    return product;
}

static_assert(align_down(0x1fffu, 0x1000u) == 0x1000u);
static_assert(align_up(0x1001u, 0x1000u) == 0x2000u);
static_assert(!align_up(0xffff'f001u, 0x1000u));

}  // namespace cairn
