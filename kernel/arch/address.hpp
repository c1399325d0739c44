// SPDX-License-Identifier: MIT
// Addresses are distinct types: a guest's physical address is never dereferenced by mistake. Only
// guest memory (kernel/vm/memory/guest_memory.hpp) turns a GuestPhys into bytes, bounds-checked.
#pragma once

#include <compare>
#include <cstdint>

namespace cairn {

template <class Space>
struct Address {
    std::uint64_t value = 0;

    constexpr auto operator<=>(const Address&) const = default;
    [[nodiscard]] constexpr Address operator+(std::uint64_t bytes) const { return {value + bytes}; }
    [[nodiscard]] constexpr Address operator-(std::uint64_t bytes) const { return {value - bytes}; }
    /// The distance in bytes from `other` to this address.
    [[nodiscard]] constexpr std::uint64_t operator-(Address other) const {
        return value - other.value;
    }
};

using HostPhys = Address<struct HostPhysSpace>;    ///< physical address of the machine
using GuestPhys = Address<struct GuestPhysSpace>;  ///< a guest's physical address
using GuestVirt = Address<struct GuestVirtSpace>;  ///< a guest's virtual address

/// `size` bytes from `base`; `base + size` does not wrap (whoever makes one from input checks
/// that).
template <class A>
struct Range {
    A base{};
    std::uint64_t size = 0;

    constexpr bool operator==(const Range&) const = default;
    /// The first address after the range.
    [[nodiscard]] constexpr A end() const { return base + size; }
    /// Whether `bytes` bytes at `at` lie in the range; safe for every value of both.
    [[nodiscard]] constexpr bool contains(A at, std::uint64_t bytes = 1) const {
        return at >= base && at - base <= size && bytes <= size - (at - base);
    }
    [[nodiscard]] constexpr bool overlaps(const Range& other) const {
        return base < other.end() && other.base < end();
    }
};

using HostRange = Range<HostPhys>;
using GuestRange = Range<GuestPhys>;

}  // namespace cairn
