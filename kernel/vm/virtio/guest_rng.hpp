// SPDX-License-Identifier: MIT
// A VM's entropy device, which draws from the kernel's generator (kernel/host/boot/entropy.hpp);
// the machine's own device is asked for more to stir in, at most every hundredth of a second: its
// answer is an interrupt of the boot hart's.
//
//     guest ──► GuestVirtio ──► VirtioRng ──► platform_random
//                                   └── HostRng::ask ──► machine's virtio-rng ──► add_entropy
#pragma once

#include <cstdint>

#include "kernel/dev/virtio/virtio_rng.hpp"
#include "kernel/host/virtio/host_rng.hpp"
#include "kernel/vm/virtio/guest_virtio.hpp"

namespace cairn {

class GuestRng final : private RandomSource {
  public:
    /// All that is borrowed outlives it. Its VM's RAM is `ram`. `time` has so many ticks a second.
    GuestRng(HostRng& host, const GuestMemory& ram, DeviceTasks& tasks,
             std::uint64_t ticks_per_second)
        : host_(host),
          pause_(ticks_per_second / 100),
          port_(rng_, VirtioRng::kind, {.kind = "rng", .name = {}}, ram, tasks) {}
    GuestRng(const GuestRng&) = delete;
    GuestRng& operator=(const GuestRng&) = delete;

    [[nodiscard]] GuestVirtio& port() { return port_; }

  private:
    void fill(std::span<std::byte> out) override;

    HostRng& host_;
    const std::uint64_t pause_;  ///< ticks of `time`
    std::uint64_t may_ask_ = 0;  ///< from this `time` on
    VirtioRng rng_{*this};
    GuestVirtio port_;
};

}  // namespace cairn
