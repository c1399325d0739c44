// SPDX-License-Identifier: MIT
// Devices of all VMs that have work to do between guests: a turn of one, then of the next; or at
// some time, as an alarm has.
//
// Any hart may say that a device has work, also within an access to it. A hart that does a turn has
// taken the device out of the queue; who wants a device to be gone waits for that turn.
#pragma once

#include <atomic>
#include <cstdint>

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
    std::uint64_t due_ = ~std::uint64_t{0};  ///< by `time`; also what is wanted meanwhile
    std::atomic<bool> at_work_ = false;      ///< a hart is at it; changes under the lock
};

class DeviceTasks {
  public:
    /// As HostWork's.
    static constexpr std::uint64_t at_once = 0;
    static constexpr std::uint64_t when_asked = ~std::uint64_t{0};

    constexpr DeviceTasks() = default;
    DeviceTasks(const DeviceTasks&) = delete;
    DeviceTasks& operator=(const DeviceTasks&) = delete;

    /// `time` has so many ticks a second. Before anything else.
    void set_rate(std::uint64_t ticks_per_second) { soon_ = ticks_per_second / soon_per_second; }

    void want(DeviceTask& task) { want_at(task, at_once); }
    /// The same, not before `time`. A hart has to be awake then, which whoever says this sees to.
    void want_at(DeviceTask& task, std::uint64_t time);
    /// The same for who finds a VM's devices busy: some 100 microseconds from now.
    void want_soon(DeviceTask& task);
    /// It has no work from here on, and no hart is at it.
    void forget(DeviceTask& task);
    [[nodiscard]] bool is_empty() const { return due() == when_asked; }
    /// When the first of them wants a turn.
    [[nodiscard]] std::uint64_t due() const { return due_.load(std::memory_order_relaxed); }
    /// A turn of the one that has waited longest; false where none is due.
    bool do_some();

  private:
    static constexpr std::uint64_t soon_per_second = 10'000;

    [[nodiscard]] DeviceTask* take();
    [[nodiscard]] bool is_forgotten(DeviceTask& task);
    void note_due() CAIRN_REQUIRES(lock_);

    std::uint64_t soon_ = 0;  ///< ticks of `time`
    Spinlock lock_;           ///< a leaf
    intrusive_list<DeviceTask> queue_ CAIRN_GUARDED_BY(lock_);
    std::atomic<std::uint64_t> due_ = when_asked;  ///< of all in the queue; changes under the lock
};

}  // namespace cairn
