// SPDX-License-Identifier: MIT
// A set of bytes of the physical address space as sorted, disjoint, non-adjacent ranges in place:
// no allocation, at most `capacity` ranges. Every operation either happens whole, or reports that
// the ranges would not fit and changes nothing. No locking.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/arch/address.hpp"

namespace cairn {

class RangeList {
  public:
    static constexpr std::size_t capacity = 128;

    /// Adds the bytes of `range`, merging with what it touches; false: no room for one more range.
    [[nodiscard]] bool insert(HostRange range);
    /// Takes the bytes of `range` out, present or not; false: no room for the remainders.
    [[nodiscard]] bool remove(HostRange range);

    /// Whether every byte of `range` is in the set.
    [[nodiscard]] bool contains(HostRange range) const;
    /// Whether any byte of `range` is in the set.
    [[nodiscard]] bool intersects(HostRange range) const;

    [[nodiscard]] std::span<const HostRange> ranges() const { return {ranges_.data(), count_}; }
    [[nodiscard]] std::uint64_t bytes() const;

  private:
    /// Replaces ranges [first, last) by `with`; false where that needs more than `capacity`.
    bool replace(std::size_t first, std::size_t last, std::span<const HostRange> with);

    std::array<HostRange, capacity> ranges_{};
    std::size_t count_ = 0;
};

}  // namespace cairn
