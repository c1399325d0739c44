// SPDX-License-Identifier: MIT
// A disk of a VM: the device that the guest sees, and what is behind it.
//
//     guest ──► VirtioMmio ──► VirtioBlock ──► ImageStore ──► archive, frames of the VM's quota
//                   └── what is not short ──► DeviceTasks ──► work, between guests
//
// On the VM's heap; it ends before its VM does. All of it is the VM's device lock's.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "kernel/dev/virtio/virtio_block.hpp"
#include "kernel/dev/virtio/virtio_mmio.hpp"
#include "kernel/vm/disks/device_tasks.hpp"
#include "kernel/vm/disks/guest_dma.hpp"
#include "kernel/vm/disks/image_store.hpp"

namespace cairn {

class Vm;

class GuestDisk final : public DeviceTask, private VirtioOwner {
  public:
    struct Settings {
        std::string_view name;             ///< the image's path, in the log and as its id
        std::span<const std::byte> image;  ///< whole sectors
        bool has_overlay;
    };

    /// All that is borrowed outlives it. Its VM's RAM is `ram`.
    GuestDisk(const Settings& settings, const GuestMemory& ram, VmMemory& memory,
              DeviceTasks& tasks);
    ~GuestDisk() { tasks_.forget(*this); }

    /// False where there is no memory for its overlay.
    [[nodiscard]] bool take_memory() { return !has_overlay_ || store_.take_overlay(); }

    /// Whose it is: said once, when the VM is made of it, before its guest runs.
    void serve(Vm& vm) { vm_ = &vm; }
    [[nodiscard]] VirtioMmio& device() { return device_; }

    [[nodiscard]] bool work() override;

  private:
    void want_work() override;
    void complain(std::string_view sentence) override;

    std::string_view name_;
    bool has_overlay_;
    DeviceTasks& tasks_;
    Vm* vm_ = nullptr;
    GuestDma dma_;
    ImageStore store_;
    VirtioBlock block_;
    VirtioMmio device_;
};

}  // namespace cairn
