// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/guest_disk.hpp"

namespace cairn {
namespace {

/// The last part of a path.
std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

GuestDisk::GuestDisk(const Settings& settings, const GuestMemory& ram, VmMemory& memory,
                     DeviceTasks& tasks)
    : has_overlay_(settings.has_overlay),
      store_(settings.image, file_name(settings.name), memory),
      block_(store_, settings.queues),
      port_(block_, VirtioBlock::kind, {.kind = "disk", .name = settings.name}, ram, tasks) {}

}  // namespace cairn
