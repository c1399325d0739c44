// SPDX-License-Identifier: MIT
// Compiled: for Unix alone. It calls the host's system.
// Heap memory from mmap, and with it the hosted `platform_init_heap`.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "cairn/bits.hpp"
#include "cairn/host_region.hpp"

namespace cairn {

std::expected<Region, RegionError> mmap_region(std::size_t size) {
    if (size == 0) return std::unexpected(RegionError::empty);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto rounded = align_up(size, page);
    if (!rounded || *rounded > PTRDIFF_MAX) return std::unexpected(RegionError::too_large);
    void* base =
        ::mmap(nullptr, *rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return std::unexpected(RegionError::refused);
    return Region{static_cast<std::byte*>(base), *rounded};
}

std::expected<Region, RegionError> platform_init_heap() {
    return mmap_region(default_heap_size);
}

}  // namespace cairn
