// SPDX-License-Identifier: MIT
// The address space that a process's heap lies in. Memory is made accessible only as the break
// comes there; the gaps never are, so that who runs off at either end of either part ends there.
//
//      | gap | descriptors | gap, and zero-size blocks | heap ............ | reserved ....... | gap
//      | ^     ^ base                                                        ^ ready: none behind
//
// All of it is reserved from the start. A gap is 1/1024 of the window: 64 MiB. What is not
// accessible is in no dump of the process.
#pragma once

#include <cstddef>

#include "cairn/base/language.hpp"
#include "cairn/region.hpp"

namespace cairn::window {

/// The variable of the environment that says how much address space to reserve, as in 512M.
inline constexpr const char* variable = "CAIRN_MALLOC_WINDOW";
/// Without it. All that blocks with headers can reach.
inline constexpr std::size_t usual = std::size_t{64} << 30;
inline constexpr std::size_t smallest = std::size_t{16} << 20;

/// Reserves it, once, and makes the first page ready: less than was wanted where the system refuses
/// that, or what it takes to start in it. Empty where it refuses all; else its base, and the size
/// without the gaps at both ends.
[[nodiscard]] Region reserve();
/// The size of a gap in it.
[[nodiscard]] std::size_t gap();
/// The break's source: makes `size` bytes or some more behind what is ready accessible.
[[nodiscard]] std::expected<Region, RegionError> make_ready(std::size_t size);
/// Whether an address lies in it or in a gap around it.
[[nodiscard]] bool covers(const void* address);
/// Takes access to some of it away for good. Whether the system did.
bool forbid(Region pages);

}  // namespace cairn::window
