// SPDX-License-Identifier: MIT
// A VM's entropy device, which draws from the kernel's generator (kernel/host/boot/entropy.hpp);
// whenever it has, the machine's own device is asked for more to stir in.
//
//     guest ──► GuestVirtio ──► VirtioRng ──► platform_random
//                                   └── HostRng::ask ──► machine's virtio-rng ──► add_entropy
#pragma once

#include <cairn/platform.hpp>
#include "kernel/dev/virtio/virtio_rng.hpp"
#include "kernel/host/virtio/host_rng.hpp"
#include "kernel/vm/virtio/guest_virtio.hpp"

namespace cairn {

class GuestRng final : private RandomSource {
  public:
    /// All that is borrowed outlives it. Its VM's RAM is `ram`.
    GuestRng(HostRng& host, const GuestMemory& ram, DeviceTasks& tasks)
        : host_(host), port_(rng_, VirtioRng::kind, {.kind = "rng", .name = {}}, ram, tasks) {}
    GuestRng(const GuestRng&) = delete;
    GuestRng& operator=(const GuestRng&) = delete;

    [[nodiscard]] GuestVirtio& port() { return port_; }

  private:
    void fill(std::span<std::byte> out) override {
        platform_random(out);
        host_.ask();
    }

    HostRng& host_;
    VirtioRng rng_{*this};
    GuestVirtio port_;
};

}  // namespace cairn
