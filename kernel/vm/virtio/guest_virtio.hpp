// SPDX-License-Identifier: MIT
// A virtio device in a VM: its transport, over the guest's RAM, and its work between guests.
//
//     guest ──► VirtioMmio ──► VirtioFunction ──► what is behind it
//                   └── what is not short ──► DeviceTasks ──► work, between guests
//
// It ends before its VM does. All of it is the VM's device lock's.
#pragma once

#include <string_view>

#include "kernel/dev/virtio/virtio_mmio.hpp"
#include "kernel/vm/virtio/device_tasks.hpp"
#include "kernel/vm/virtio/guest_dma.hpp"

namespace cairn {

class DeviceLock;
class Vm;

class GuestVirtio final : public DeviceTask, private VirtioOwner {
  public:
    /// What sentences about it begin with: "disk root.img", or the first word alone.
    struct Name {
        std::string_view kind;
        std::string_view name;
    };

    /// All that is borrowed outlives it. Its VM's RAM is `ram`.
    GuestVirtio(VirtioFunction& function, const DeviceKind& kind, const Name& name,
                const GuestMemory& ram, DeviceTasks& tasks)
        : name_(name), kind_(kind), tasks_(tasks), dma_(ram), device_(function, dma_, *this) {}
    GuestVirtio(const GuestVirtio&) = delete;
    GuestVirtio& operator=(const GuestVirtio&) = delete;
    ~GuestVirtio() { tasks_.forget(*this); }

    /// Whose it is: said once, when the VM is made of it, before its guest runs.
    void serve(Vm& vm) { vm_ = &vm; }
    [[nodiscard]] VirtioMmio& device() { return device_; }
    [[nodiscard]] const DeviceKind& kind() const { return kind_; }
    /// Its VM's.
    [[nodiscard]] DeviceLock& lock();

    [[nodiscard]] bool work() override;

  private:
    void want_work() override;
    void complain(std::string_view sentence) override;

    Name name_;
    const DeviceKind& kind_;
    DeviceTasks& tasks_;
    Vm* vm_ = nullptr;
    GuestDma dma_;
    VirtioMmio device_;
};

}  // namespace cairn
