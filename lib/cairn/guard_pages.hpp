// SPDX-License-Identifier: MIT
// Pages that nobody may touch: what Hardened asks of the platform. A policy, chosen by type; a
// hosted program's is HostGuardPages (lib/cairn/host_guard_pages.hpp).
#pragma once

#include <concepts>
#include <cstddef>

#include "cairn/region.hpp"

namespace cairn {

/// `protect` makes whole pages trap on every access, `unprotect` makes them ordinary memory again,
/// with what was in them. False, and nothing changed, where the platform cannot.
template <class P>
concept GuardPages = requires(Region pages) {
    { P::page_size } -> std::convertible_to<std::size_t>;
    { P::protect(pages) } -> std::same_as<bool>;
    { P::unprotect(pages) } -> std::same_as<bool>;
};

/// Where there is no page table, or none that the heap may change.
struct NoGuardPages {
    static constexpr std::size_t page_size = 0;
    static constexpr bool protect(Region /*pages*/) { return false; }
    static constexpr bool unprotect(Region /*pages*/) { return false; }
};

static_assert(GuardPages<NoGuardPages>);

}  // namespace cairn
