// SPDX-License-Identifier: MIT
// Numbers in network order, as device trees and packets have them, at any alignment.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cairn {

/// The big-endian T at `offset`; the caller has checked the bounds.
template <std::unsigned_integral T>
[[nodiscard]] inline T load_be(std::span<const std::byte> bytes, std::size_t offset) {
    const auto raw = bytes.subspan(offset, sizeof(T));
    T value = 0;
    for (std::size_t n = 0; n < sizeof value;
         ++n)  // no call of memcpy, which small code would make
        value = static_cast<T>(value << 8 | std::to_integer<T>(raw.data()[n]));
    return value;
}

/// Puts `value` at `offset`, big-endian; the caller has checked the bounds.
template <std::unsigned_integral T>
inline void store_be(std::span<std::byte> bytes, std::size_t offset, T value) {
    const auto raw = bytes.subspan(offset, sizeof value);
    for (std::size_t n = sizeof value; n-- > 0; value = static_cast<T>(value >> 8))
        raw.data()[n] = static_cast<std::byte>(value);
}

}  // namespace cairn
