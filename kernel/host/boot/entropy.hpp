// SPDX-License-Identifier: MIT
// The kernel's random bytes, one generator for all harts: `platform_random`
// (lib/cairn/platform.hpp) draws from it. It is as good as the better of what firmware hands over
// as a seed and of what the machine's own entropy device gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cairn {

/// Starts the generator: with the device tree's /chosen rng-seed, which may be empty, and the time.
/// Once, before anything is drawn.
void seed_entropy(std::span<const std::byte> seed, std::uint64_t time);
/// Stirs more in; none of it need be a secret.
void add_entropy(std::span<const std::byte> bytes);

}  // namespace cairn
