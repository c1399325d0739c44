// SPDX-License-Identifier: MIT
// Locks that wait by spinning, and data that sits inside its lock.
//
// Spinlock is test-and-test-and-set: taking a free lock is one atomic swap, a waiting hart only
// reads (its own cached copy) until the lock is let go. It is not fair; the sections it guards are
// a few instructions long, and a ticket lock would cost every uncontended user two loads more.
// Not recursive: a hart that takes a lock twice waits forever, so code that may run inside a trap
// handler must not share a lock with the code it interrupts.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#if defined(__unix__)
#include <sched.h>
#endif

#include "cairn/base/thread_annotations.hpp"

namespace cairn {

/// What guards below need of a lock.
template <class L>
concept Lockable = std::default_initializable<L> && requires(L lock) {
    lock.lock();
    lock.unlock();
    { lock.try_lock() } -> std::same_as<bool>;
};

class CAIRN_CAPABILITY("lock") Spinlock {
  public:
    constexpr Spinlock() = default;
    Spinlock(const Spinlock&) = delete;
    Spinlock& operator=(const Spinlock&) = delete;

    void lock() CAIRN_ACQUIRE() {
        for (unsigned tries = 0; taken_.exchange(1, std::memory_order_acquire) != 0;) [[unlikely]] {
            while (taken_.load(std::memory_order_relaxed) != 0)
                relax(++tries);
        }
    }

    /// Takes the lock if it is free; never waits.
    [[nodiscard]] bool try_lock() CAIRN_TRY_ACQUIRE(true) {
        return taken_.exchange(1, std::memory_order_acquire) == 0;
    }

    void unlock() CAIRN_RELEASE() { taken_.store(0, std::memory_order_release); }

    /// Whether anybody holds it, for assertions and tests: stale as soon as it is known.
    [[nodiscard]] bool is_locked() const { return taken_.load(std::memory_order_relaxed) != 0; }

  private:
    /// Tells the processor that this hart only waits, where the compiler has a word for it. A
    /// thread that has waited for a while makes way: who holds the lock may want this very
    /// processor.
    static void relax([[maybe_unused]] unsigned tries) {
#if defined(__unix__)
        constexpr unsigned patience = 64;
        if (tries > patience) ::sched_yield();
#endif
#if __has_builtin(__builtin_riscv_pause)
        __builtin_riscv_pause();
#elif __has_builtin(__builtin_ia32_pause)
        __builtin_ia32_pause();
#endif
    }

    std::atomic<std::uint32_t> taken_{0};  // 32 bits: the narrowest atomic swap of every machine
};

/// No lock at all, for data that one thread of control owns: the same code without the cost.
class CAIRN_CAPABILITY("lock") NullLock {
  public:
    constexpr void lock() CAIRN_ACQUIRE() {}
    [[nodiscard]] constexpr bool try_lock() CAIRN_TRY_ACQUIRE(true) { return true; }
    constexpr void unlock() CAIRN_RELEASE() {}
};

static_assert(Lockable<Spinlock> && Lockable<NullLock>);

/// Holds `lock` for as long as it lives.
template <Lockable Lock>
class CAIRN_SCOPED_CAPABILITY LockGuard {
  public:
    [[nodiscard]] explicit LockGuard(Lock& lock) CAIRN_ACQUIRE(lock) : lock_(lock) { lock.lock(); }
    ~LockGuard() CAIRN_RELEASE() { lock_.unlock(); }
    LockGuard(const LockGuard&) = delete;
    LockGuard& operator=(const LockGuard&) = delete;

  private:
    Lock& lock_;
};

using SpinGuard = LockGuard<Spinlock>;

/// A `T` that can be reached only while its lock is held: inside `with`, or through the Access
/// that `lock` and `try_lock` hand out.
template <class T, Lockable Lock = Spinlock>
class Guarded {
  public:
    constexpr Guarded() = default;
    template <class... Arguments>
    constexpr explicit Guarded(std::in_place_t /*tag*/, Arguments&&... arguments)
        : value_(std::forward<Arguments>(arguments)...) {}
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;

    /// Holds the lock for as long as it lives; move-only, and empty once moved from.
    template <class Owner>
    class AccessTo {
      public:
        AccessTo(AccessTo&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
        AccessTo& operator=(AccessTo&&) = delete;
        ~AccessTo() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
            if (owner_ != nullptr) owner_->lock_.unlock();
        }
        // Holding the lock is what this is for; the analysis does not follow it into members.
        auto& operator*() const CAIRN_NO_THREAD_SAFETY_ANALYSIS { return owner_->value_; }
        auto* operator->() const CAIRN_NO_THREAD_SAFETY_ANALYSIS {
            return std::addressof(owner_->value_);
        }

      private:
        friend Guarded;
        explicit AccessTo(Owner& owner) : owner_(&owner) {}
        Owner* owner_;
    };
    using Access = AccessTo<Guarded>;
    using ConstAccess = AccessTo<const Guarded>;

    [[nodiscard]] Access lock() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        lock_.lock();
        return Access(*this);
    }
    /// For reading; readers exclude each other too.
    [[nodiscard]] ConstAccess lock() const CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        lock_.lock();
        return ConstAccess(*this);
    }

    /// Access if the lock is free now, else nothing.
    [[nodiscard]] std::optional<Access> try_lock() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        if (!lock_.try_lock()) return std::nullopt;
        return Access(*this);
    }
    [[nodiscard]] std::optional<ConstAccess> try_lock() const CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        if (!lock_.try_lock()) return std::nullopt;
        return ConstAccess(*this);
    }

    /// Calls `function(T&)` with the lock held. Do not keep the reference.
    template <std::invocable<T&> Function>
    decltype(auto) with(Function&& function) {
        const LockGuard<Lock> guard(lock_);
        return std::forward<Function>(function)(value_);
    }

    /// As above for reading. (Without a constraint: to see whether it holds, the compiler would
    /// look into a lambda that may only be meant for the other form.)
    template <class Function>
    decltype(auto) with(Function&& function) const {
        const LockGuard<Lock> guard(lock_);
        return std::forward<Function>(function)(value_);
    }

  private:
    [[no_unique_address]] mutable Lock lock_{};
    T value_ CAIRN_GUARDED_BY(lock_){};
};

}  // namespace cairn
