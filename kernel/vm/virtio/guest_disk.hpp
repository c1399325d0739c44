// SPDX-License-Identifier: MIT
// A disk of a VM: the device that the guest sees, and what is behind it.
//
//     guest ──► GuestVirtio ──► VirtioBlock ──► ImageStore ──► archive, frames of the VM's quota
//
// On the VM's heap; it ends before its VM does. All of it is the VM's device lock's.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "kernel/dev/virtio/virtio_block.hpp"
#include "kernel/vm/virtio/guest_virtio.hpp"
#include "kernel/vm/virtio/image_store.hpp"

namespace cairn {

class GuestDisk final {
  public:
    struct Settings {
        std::string_view name;             ///< the image's path, in the log and as its id
        std::span<const std::byte> image;  ///< whole sectors
        bool has_overlay;
        std::uint32_t queues = 1;
    };

    /// All that is borrowed outlives it. Its VM's RAM is `ram`.
    GuestDisk(const Settings& settings, const GuestMemory& ram, VmMemory& memory,
              DeviceTasks& tasks);
    GuestDisk(const GuestDisk&) = delete;
    GuestDisk& operator=(const GuestDisk&) = delete;

    /// False where there is no memory for its overlay.
    [[nodiscard]] bool take_memory() { return !has_overlay_ || store_.take_overlay(); }

    [[nodiscard]] GuestVirtio& port() { return port_; }
    /// What a guest tells it from others by: the last part of the image's path.
    [[nodiscard]] static std::string_view id_of(std::string_view path) {
        return path.substr(path.rfind('/') + 1);
    }

  private:
    bool has_overlay_;
    ImageStore store_;
    VirtioBlock block_;
    GuestVirtio port_;
};

}  // namespace cairn
