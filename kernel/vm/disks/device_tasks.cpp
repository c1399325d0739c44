// SPDX-License-Identifier: MIT
#include "kernel/vm/disks/device_tasks.hpp"

#include <utility>

namespace cairn {

void DeviceTasks::want(DeviceTask& task) {
    const SpinGuard guard(lock_);
    task.asked_ = true;
    if (task.at_work_ || task.is_linked()) return;
    queue_.push_back(task);
    ++waiting_;
}

void DeviceTasks::forget(DeviceTask& task) {
    for (;;) {
        const SpinGuard guard(lock_);
        if (task.is_linked()) {
            task.unlink();
            --waiting_;
        }
        if (!task.at_work_) return;
    }
}

bool DeviceTasks::do_some() {
    DeviceTask* task = nullptr;
    {
        const SpinGuard guard(lock_);
        if (queue_.empty()) return false;
        task = &queue_.front();
        task->unlink();
        --waiting_;
        task->asked_ = false;
        task->at_work_ = true;
    }
    const bool more = task->work();
    const SpinGuard guard(lock_);
    task->at_work_ = false;
    if (!more && !task->asked_) return true;
    queue_.push_back(*task);
    ++waiting_;
    return true;
}

}  // namespace cairn
