// SPDX-License-Identifier: MIT
// The lock around a VM's devices. A VM of one CPU without virtio devices has one hart at its
// devices, and takes no lock.
//
// A guest can have it held for as long as it takes the machine's disk to end what is in flight. So
// a hart that is there for other VMs as well, as between guests or in an interrupt of the
// machine's, takes it by `lock_unless_busy`, and comes again later where it has not got it.
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
    /// False where somebody has it for longer than an access takes that is short.
    [[nodiscard]] bool lock_unless_busy() CAIRN_TRY_ACQUIRE(true) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        constexpr int looks = 1000;  // a load each: some microseconds
        for (int look = 0; shared_ && lock_.is_locked() && look < looks; ++look) {
        }
        return try_lock();
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
