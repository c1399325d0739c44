// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/vm/virtio/guest_rng.hpp"

#include <cairn/platform.hpp>
#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {

void GuestRng::fill(std::span<std::byte> out) {
    platform_random(out);
    const std::uint64_t now = csr_read<Csr::time>();
    if (now < may_ask_) return;
    may_ask_ = now + pause_;
    host_.ask();
}

}  // namespace cairn
