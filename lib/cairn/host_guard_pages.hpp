// SPDX-License-Identifier: MIT
// Guard pages of a hosted program, by mprotect: for regions of mmap_region or sbrk_region.
#pragma once

#include "cairn/guard_pages.hpp"

namespace cairn {

struct HostGuardPages {
    static constexpr std::size_t page_size = 4096;
    [[nodiscard]] static bool protect(Region pages);
    /// Can fail where the process has too many mappings.
    [[nodiscard]] static bool unprotect(Region pages);
};

static_assert(GuardPages<HostGuardPages>);

}  // namespace cairn
