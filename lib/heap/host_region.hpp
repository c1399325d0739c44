// SPDX-License-Identifier: MIT
// Region sources of a hosted program. The hosted `platform_init_heap` maps `default_heap_size`
// bytes with mmap; a program that wants another source or size calls these itself.
#pragma once

#include <cstddef>
#include <expected>

#include "lib/heap/region.hpp"

namespace cairn {

/// As much as the kernel's linker script gives it: 100 MiB.
inline constexpr std::size_t default_heap_size = std::size_t{100} << 20;

/// `size` bytes, rounded up to whole pages, of fresh zeroed memory. Never given back by itself:
/// `munmap(region.base, region.size)` does.
[[nodiscard]] std::expected<Region, RegionError> mmap_region(std::size_t size);

/// As above, from the program break: the classical heap. Moves the process's one break, so call it
/// while no other thread does.
[[nodiscard]] std::expected<Region, RegionError> sbrk_region(std::size_t size);

}  // namespace cairn
