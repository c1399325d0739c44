// SPDX-License-Identifier: MIT
#include "kernel/vm/disks/guest_disk.hpp"

#include <cairn/print.hpp>
#include "kernel/vm/vm.hpp"

namespace cairn {
namespace {

/// The last part of a path.
std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

GuestDisk::GuestDisk(const Settings& settings, const GuestMemory& ram, VmMemory& memory,
                     DeviceTasks& tasks)
    : name_(settings.name),
      has_overlay_(settings.has_overlay),
      tasks_(tasks),
      dma_(ram),
      store_(settings.image, file_name(settings.name), memory),
      block_(store_),
      device_(block_, dma_, *this) {}

bool GuestDisk::work() {
    const DeviceGuard guard(vm_->device_lock());
    return device_.work();
}

/// The vCPU that has brought it leaves its guest, for its hart to do a turn.
void GuestDisk::want_work() {
    tasks_.want(*this);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

void GuestDisk::complain(std::string_view sentence) {
    if (vm_->may_complain()) println("vm {}: disk {}: {}", vm_->name(), name_, sentence);
}

}  // namespace cairn
