// SPDX-License-Identifier: MIT
// Compiled: for Unix alone. It calls the host's system.
#include "cairn/host_guard_pages.hpp"

#include <sys/mman.h>

namespace cairn {

bool HostGuardPages::protect(Region pages) {
    return ::mprotect(pages.base, pages.size, PROT_NONE) == 0;
}

bool HostGuardPages::unprotect(Region pages) {
    return ::mprotect(pages.base, pages.size, PROT_READ | PROT_WRITE) == 0;
}

}  // namespace cairn
