// SPDX-License-Identifier: MIT
// Compiled: for Unix alone. It calls the host's system.
// Heap memory from the program break. The break may stand inside a page (other users move it too),
// so the first bytes up to the next page are left alone.
#include <unistd.h>

#include <cstdint>

#include "cairn/bits.hpp"
#include "cairn/host_region.hpp"

namespace cairn {

std::expected<Region, RegionError> sbrk_region(std::size_t size) {
    if (size == 0) return std::unexpected(RegionError::empty);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto rounded = align_up(size, page);
    if (!rounded || *rounded > PTRDIFF_MAX - page) return std::unexpected(RegionError::too_large);

    // The region ends on a page, so the next one follows on.
    void* const old_break = ::sbrk(0);
    const auto address = reinterpret_cast<std::uintptr_t>(old_break);
    const std::size_t padding = (page - address % page) % page;
    if (::sbrk(static_cast<std::intptr_t>(*rounded + padding)) != old_break) {
        return std::unexpected(RegionError::refused);
    }
    return Region{static_cast<std::byte*>(old_break) + padding, *rounded};
}

}  // namespace cairn
