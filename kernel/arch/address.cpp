// SPDX-License-Identifier: MIT
#include "kernel/arch/address.hpp"

namespace cairn {

static_assert(GuestRange{{0x1000}, 0x1000}.contains({0x1fff}));
static_assert(!GuestRange{{0x1000}, 0x1000}.contains({0x1fff}, 2));
static_assert(!GuestRange{{0x1000}, 0x1000}.contains({0x1000}, ~0ull));

}  // namespace cairn
