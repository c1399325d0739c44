// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/device_tasks.hpp"

#include <algorithm>

#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {

void DeviceTasks::want_at(DeviceTask& task, std::uint64_t time) {
    const SpinGuard guard(lock_);
    task.due_ = std::min(task.due_, time);
    if (task.at_work_) return;
    if (!task.is_linked()) queue_.push_back(task);
    note_due();
}

void DeviceTasks::forget(DeviceTask& task) {
    for (;;) {
        const SpinGuard guard(lock_);
        task.due_ = when_asked;
        if (task.is_linked()) {
            task.unlink();
            note_due();
        }
        if (!task.at_work_) return;
    }
}

/// Few devices have work at a time, and a VM has one alarm.
void DeviceTasks::note_due() {
    std::uint64_t due = when_asked;
    for (const DeviceTask& task : queue_)
        due = std::min(due, task.due_);
    due_.store(due, std::memory_order_relaxed);
}

/// Takes out the first of those whose time has come, or gives nullptr. Who is wanted at once comes
/// in its turn like one whose time it is: neither is passed over for the other.
DeviceTask* DeviceTasks::take() {
    const SpinGuard guard(lock_);
    const std::uint64_t now = csr_read<Csr::time>();
    for (DeviceTask& task : queue_) {
        if (task.due_ > now) continue;
        task.unlink();
        task.due_ = when_asked;
        task.at_work_ = true;
        note_due();
        return &task;
    }
    return nullptr;
}

bool DeviceTasks::do_some() {
    DeviceTask* const task = take();
    if (task == nullptr) return false;
    const bool more = task->work();
    const SpinGuard guard(lock_);
    task->at_work_ = false;
    if (more) task->due_ = at_once;
    if (task->due_ == when_asked) return true;
    queue_.push_back(*task);
    note_due();
    return true;
}

}  // namespace cairn
