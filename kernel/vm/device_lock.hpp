// SPDX-License-Identifier: MIT
// The lock around a VM's devices. A VM of one CPU without virtio devices has one hart at its
// devices, and takes no lock.
#pragma once

#include <cairn/spinlock.hpp>

namespace cairn {

class CAIRN_CAPABILITY("lock") DeviceLock {
  public:
    DeviceLock() = default;
    explicit DeviceLock(bool shared) : shared_(shared) {}

    /// Whether there is more than one hart to guard against.
    [[nodiscard]] bool is_shared() const { return shared_; }

    void lock() CAIRN_ACQUIRE() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        if (shared_) lock_.lock();
    }
    [[nodiscard]] bool try_lock() CAIRN_TRY_ACQUIRE(true) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        return !shared_ || lock_.try_lock();
    }
    void unlock() CAIRN_RELEASE() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        if (shared_) lock_.unlock();
    }

  private:
    friend class SharedDeviceGuard;

    const bool shared_ = true;
    Spinlock lock_;
};

using DeviceGuard = LockGuard<DeviceLock>;

/// The same, for who knows that the lock is shared: it is not asked again.
class CAIRN_SCOPED_CAPABILITY SharedDeviceGuard {
  public:
    [[nodiscard]] explicit SharedDeviceGuard(DeviceLock& lock)
        CAIRN_ACQUIRE(lock) CAIRN_NO_THREAD_SAFETY_ANALYSIS : lock_(lock.lock_) {
        lock_.lock();
    }
    ~SharedDeviceGuard() CAIRN_RELEASE() CAIRN_NO_THREAD_SAFETY_ANALYSIS { lock_.unlock(); }
    SharedDeviceGuard(const SharedDeviceGuard&) = delete;
    SharedDeviceGuard& operator=(const SharedDeviceGuard&) = delete;

  private:
    Spinlock& lock_;
};

}  // namespace cairn
