// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/guest_disk.hpp"

namespace cairn {

GuestDisk::GuestDisk(const Settings& settings, const GuestMemory& ram, VmMemory& memory,
                     DeviceTasks& tasks)
    : has_overlay_(settings.has_overlay),
      store_(settings.image, id_of(settings.name), memory),
      block_(store_, settings.queues),
      port_(block_, VirtioBlock::kind, {.kind = "disk", .name = settings.name}, ram, tasks) {}

}  // namespace cairn
