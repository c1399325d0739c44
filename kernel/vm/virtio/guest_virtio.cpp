// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/guest_virtio.hpp"

#include <cairn/print.hpp>
#include "kernel/vm/vm.hpp"

namespace cairn {

/// The hart is there for other VMs as well, and does not wait.
bool GuestVirtio::work() {
    DeviceLock& lock = vm_->device_lock();
    if (!lock.lock_unless_busy()) {
        tasks_.want_soon(*this);
        return false;
    }
    const bool more = device_.work();
    lock.unlock();
    return more;
}

/// The vCPU that has brought it leaves its guest, for its hart to do a turn.
void GuestVirtio::want_work() {
    tasks_.want(*this);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

DeviceLock& GuestVirtio::lock() {
    return vm_->device_lock();
}

void GuestVirtio::complain(std::string_view sentence) {
    if (!vm_->may_complain()) return;
    println("vm {}: {}{}{}: {}", vm_->name(), name_.kind, name_.name.empty() ? "" : " ", name_.name,
            sentence);
}

}  // namespace cairn
