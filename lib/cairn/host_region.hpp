// SPDX-License-Identifier: MIT
// Region sources of a hosted program. All of them are RegionSources: `size` bytes, rounded up to
// whole pages, of fresh zeroed memory; or `empty` (none asked for), `too_large` (no address space
// holds that), `refused` (the system, or the limit).
//
//     source                 system    where                              what follows follows on
//     mmap_region            Unix      anywhere, each by itself           no
//     sbrk_region            Unix      at the process's break             unless others move it
//     virtualalloc_region    Windows   at the break of a reserved block   always, up to the limit
//
// The last two are breaks, with which a BumpAllocator grows:
//
//     allocator.init(region, virtualalloc_region, how many bytes may follow)
//
// Windows has no break of its own, so virtualalloc_region makes one: the first call reserves a
// block of address space, and every call has the next pages of it backed by memory.
//
//     reserved    |  committed             |  address space only            |
//                 base                     break                            limit
//
// `platform_init_heap` is `default_heap_size` bytes from mmap, or from VirtualAlloc on Windows. A
// program that wants another source or size calls these itself.
#pragma once

#include <cstddef>

#include "cairn/base/language.hpp"
#include "cairn/region.hpp"

namespace cairn {

/// As much as the kernel's linker script gives it: 100 MiB.
inline constexpr std::size_t default_heap_size = std::size_t{100} << 20;

/// Never given back by itself: `munmap(region.base, region.size)` does.
[[nodiscard]] std::expected<Region, RegionError> mmap_region(std::size_t size);

/// Moves the process's one break, so call it while no other thread does. Never given back.
[[nodiscard]] std::expected<Region, RegionError> sbrk_region(std::size_t size);

/// As sbrk_region, of the one block that this process reserves. Growing past its limit is refused,
/// and takes nothing.
[[nodiscard]] std::expected<Region, RegionError> virtualalloc_region(std::size_t size);

/// What the first call of virtualalloc_region reserves. It costs address space and no memory.
inline constexpr std::size_t default_virtualalloc_limit = std::size_t{16} << 30;

/// Reserves another block than that, so that all regions together are at most `limit` bytes,
/// rounded up to whole pages; before the first region. `refused` where there is a block already.
[[nodiscard]] std::expected<void, RegionError> virtualalloc_reserve(std::size_t limit);

}  // namespace cairn
