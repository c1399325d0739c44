// SPDX-License-Identifier: MIT
// A region of memory, and the question every allocator starts from: where is the heap?
//
// `platform_init_heap` is answered at link time, by one region source per program: the linker
// script's `__heap` .. `__heap_end` in the kernel (kernel/host/), in hosted programs mmap or, on
// Windows, VirtualAlloc (lib/cairn/host_region.hpp). Everything above it is the same code
// everywhere.
#pragma once

#include <cstddef>
#include <string_view>

#include "cairn/base/language.hpp"

namespace cairn {

/// `size` writable bytes from `base`, owned by whoever holds the value; contents unknown.
struct Region {
    std::byte* base = nullptr;
    std::size_t size = 0;

    bool operator==(const Region&) const = default;
};

/// Why a region source has no region.
enum class RegionError {
    empty,       ///< nothing was asked for, or nothing is left
    misaligned,  ///< base or size is no multiple of the page size
    too_large,   ///< the size does not fit the address space
    refused,     ///< the machine or the operating system does not give that much
};

[[nodiscard]] constexpr std::string_view to_string(RegionError error) {
    switch (error) {
        case RegionError::empty: return "the region is empty";
        case RegionError::misaligned: return "the region does not start and end on a page";
        case RegionError::too_large: return "the region does not fit the address space";
        case RegionError::refused: return "the platform does not give that much memory";
    }
    return "unknown region error";
}

/// Where more memory comes from: at least `size` bytes of it, in whole pages, zeroed.
using RegionSource = std::expected<Region, RegionError> (*)(std::size_t size);

/// The heap's region, page-aligned in base and size, or why there is none. Called once, by main.
[[nodiscard]] std::expected<Region, RegionError> platform_init_heap();

}  // namespace cairn
