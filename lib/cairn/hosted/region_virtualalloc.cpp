// SPDX-License-Identifier: MIT
// Compiled: for Windows alone. It calls the host's system.
// Heap memory on Windows, and with it the hosted `platform_init_heap`. MEM_RESERVE takes addresses,
// MEM_COMMIT puts zeroed memory behind some of them.
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <cstdint>

#include "cairn/bits.hpp"
#include "cairn/host_region.hpp"

namespace cairn {

namespace {

/// The reserved block, of which the first `committed` bytes are memory.
struct ReservedBlock {
    std::byte* base = nullptr;
    std::size_t committed = 0;
    std::size_t limit = 0;
};

constinit ReservedBlock block;

std::expected<std::size_t, RegionError> whole_pages(std::size_t size) {
    if (size == 0) return std::unexpected(RegionError::empty);
    SYSTEM_INFO system{};
    ::GetSystemInfo(&system);
    const auto rounded = align_up(size, std::size_t{system.dwPageSize});
    if (!rounded || *rounded > PTRDIFF_MAX) return std::unexpected(RegionError::too_large);
    return *rounded;
}

}  // namespace

std::expected<void, RegionError> virtualalloc_reserve(std::size_t limit) {
    const auto rounded = whole_pages(limit);
    if (!rounded) return std::unexpected(rounded.error());
    if (block.base != nullptr) return std::unexpected(RegionError::refused);
    void* const base = ::VirtualAlloc(nullptr, *rounded, MEM_RESERVE, PAGE_NOACCESS);
    if (base == nullptr) return std::unexpected(RegionError::refused);
    block = {.base = static_cast<std::byte*>(base), .committed = 0, .limit = *rounded};
    return {};
}

std::expected<Region, RegionError> virtualalloc_region(std::size_t size) {
    const auto rounded = whole_pages(size);
    if (!rounded) return std::unexpected(rounded.error());
    if (block.base == nullptr) {
        const auto reserved = virtualalloc_reserve(default_virtualalloc_limit);
        if (!reserved) return std::unexpected(reserved.error());
    }
    if (*rounded > block.limit - block.committed) return std::unexpected(RegionError::refused);
    std::byte* const start = block.base + block.committed;
    if (::VirtualAlloc(start, *rounded, MEM_COMMIT, PAGE_READWRITE) == nullptr) {
        return std::unexpected(RegionError::refused);
    }
    block.committed += *rounded;
    return Region{start, *rounded};
}

std::expected<Region, RegionError> platform_init_heap() {
    return virtualalloc_region(default_heap_size);
}

}  // namespace cairn
