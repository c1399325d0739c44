// SPDX-License-Identifier: MIT
// Devices of all VMs that have work to do between guests: a turn of one, then of the next.
//
// Any hart may say that a device has work, also within an access to it. A hart that does a turn has
// taken the device out of the queue; who wants a device to be gone waits for that turn.
#pragma once

#include <atomic>

#include <cairn/intrusive_list.hpp>
#include <cairn/list_hook.hpp>
#include <cairn/spinlock.hpp>

namespace cairn {

class DeviceTask : public list_hook {
  public:
    /// A turn; whether there is more. Takes its VM's device lock.
    [[nodiscard]] virtual bool work() = 0;

  protected:
    ~DeviceTask() = default;

  private:
    friend class DeviceTasks;
    bool at_work_ = false;  ///< a hart is at it
    bool asked_ = false;    ///< meanwhile
};

class DeviceTasks {
  public:
    constexpr DeviceTasks() = default;
    DeviceTasks(const DeviceTasks&) = delete;
    DeviceTasks& operator=(const DeviceTasks&) = delete;

    void want(DeviceTask& task);
    /// It has no work from here on, and no hart is at it.
    void forget(DeviceTask& task);
    [[nodiscard]] bool is_empty() const { return waiting_.load(std::memory_order_relaxed) == 0; }
    /// A turn of the one that has waited longest; false where there is none.
    bool do_some();

  private:
    Spinlock lock_;  ///< a leaf
    intrusive_list<DeviceTask> queue_ CAIRN_GUARDED_BY(lock_);
    std::atomic<std::size_t> waiting_ = 0;  ///< changes under the lock
};

}  // namespace cairn
