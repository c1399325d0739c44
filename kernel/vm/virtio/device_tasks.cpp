// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/device_tasks.hpp"

#include <algorithm>

#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {
namespace {

/// Tells the processor that this hart only waits, where the compiler has a word for it.
void pause_hart() {
#if __has_builtin(__builtin_riscv_pause)
    __builtin_riscv_pause();
#endif
}

}  // namespace

void DeviceTasks::want_at(DeviceTask& task, std::uint64_t time) {
    const SpinGuard guard(lock_);
    task.due_ = std::min(task.due_, time);
    if (task.at_work_.load(std::memory_order_relaxed)) return;
    if (!task.is_linked()) queue_.push_back(task);
    note_due();
}

void DeviceTasks::want_soon(DeviceTask& task) {
    want_at(task, csr_read<Csr::time>() + soon_);
}

/// Whether no hart is at it: else it may be wanted again at the end of its turn.
bool DeviceTasks::is_forgotten(DeviceTask& task) {
    const SpinGuard guard(lock_);
    task.due_ = when_asked;
    if (task.is_linked()) {
        task.unlink();
        note_due();
    }
    return !task.at_work_.load(std::memory_order_relaxed);
}

/// The turn is waited for without the lock, which its end and all other devices take.
void DeviceTasks::forget(DeviceTask& task) {
    while (!is_forgotten(task)) {
        while (task.at_work_.load(std::memory_order_relaxed))
            pause_hart();
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
        task.at_work_.store(true, std::memory_order_relaxed);
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
    task->at_work_.store(false, std::memory_order_relaxed);
    if (more) task->due_ = at_once;
    if (task->due_ == when_asked) return true;
    queue_.push_back(*task);
    note_due();
    return true;
}

}  // namespace cairn
