// SPDX-License-Identifier: MIT
// The loop whose instructions are counted: a random one of 1024 slots is emptied, or filled with a
// block of random size.
#pragma once

#include <cstddef>
#include <span>

#include "tests/bench/measured_allocator.hpp"
#include "tests/bench/trace.hpp"

namespace cairn::bench {

/// What lives during a churn, by slot.
using Slots = std::span<void*, slots>;

/// Whether the allocator has the calls that `sizes` are asked by.
[[nodiscard]] bool has_calls(const Allocator& allocator, Sizes sizes);

/// Takes each step; blocks are aligned, or made by other calls, where `sizes` says so. The same
/// instructions for every allocator. No request may fail.
void churn(const Allocator& allocator, Sizes sizes, std::span<const Step> steps, Slots blocks);

/// As above, and writes the first word of each block, for measuring time: memory that is used.
void churn_and_write(const Allocator& allocator, Sizes sizes, std::span<const Step> steps,
                     Slots blocks);

/// Frees what lives.
void empty(const Allocator& allocator, Slots blocks);

}  // namespace cairn::bench
