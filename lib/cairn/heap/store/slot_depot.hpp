// SPDX-License-Identifier: MIT
// Where threads hand slots over: batches as full magazines gave them up, for the owner of their
// slabs, who takes them as they are. Neither side touches a slab or a slot's neighbours in lists,
// and the lock is held for a copy of 16 pointers.
//
//     who frees ──► HeapCache ──► SlotDepot  [owner][class]  ──► HeapCache ──► who allocates
//                    batch          up to 16 batches each          batch
//
// To the slabs its slots are out, as those in caches are. It has 4 MiB of places, which take memory
// when they are used; so it is for hosted programs, and on a machine HeapCore has none.
// Lock order: HeapCore, then the depot.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "cairn/heap/store/slab_store.hpp"
#include "cairn/spinlock.hpp"

namespace cairn {

class CAIRN_CAPABILITY("lock") SlotDepot {
  public:
    static constexpr std::size_t batch = 16;
    static constexpr std::size_t most_batches = 16;          ///< of one owner and class
    static constexpr std::size_t most_of_class = 64 * 1024;  ///< bytes, of one owner and class
    static constexpr std::size_t most_bytes = std::size_t{4} << 20;  ///< in all

    /// How many batches of a class an owner may have.
    [[nodiscard]] static constexpr std::size_t places(std::size_t small_class) {
        return std::min<std::size_t>(most_batches, most_of_class / batch / class_size(small_class));
    }

    /// Keeps `batch` slots of slabs of `owner`; false if there is no room, or it is closed.
    [[nodiscard]] bool put(std::size_t small_class, std::uint32_t owner, std::byte* const* slots);
    /// The batch that was put last, to `slots`; false if there is none.
    [[nodiscard]] bool take(std::size_t small_class, std::uint32_t owner, std::byte** slots);
    /// The same of any class.
    [[nodiscard]] bool take_any(std::uint32_t owner, std::byte** slots);
    /// Keeps nothing more from now on.
    void close();

    [[nodiscard]] bool holds(const std::byte* slot, std::size_t small_class) const;
    /// In its slots. Stale as soon as it is known.
    [[nodiscard]] std::size_t bytes() const { return __atomic_load_n(&bytes_, __ATOMIC_RELAXED); }

    /// Held around fork(), so that the child's depot is whole.
    void lock() CAIRN_ACQUIRE() CAIRN_NO_THREAD_SAFETY_ANALYSIS { lock_.lock(); }
    [[nodiscard]] bool try_lock() CAIRN_TRY_ACQUIRE(true) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        return lock_.try_lock();
    }
    void unlock() CAIRN_RELEASE() CAIRN_NO_THREAD_SAFETY_ANALYSIS { lock_.unlock(); }

  private:
    using Batch = std::array<std::byte*, batch>;
    using Batches = std::array<Batch, most_batches>;
    bool take_last(std::size_t small_class, std::uint32_t owner, std::byte** slots)
        CAIRN_REQUIRES(lock_);
    template <class T>
    using ForAll = std::array<std::array<T, small_classes + 1>, SlabStore::owners>;

    mutable Spinlock lock_;
    bool closed_ CAIRN_GUARDED_BY(lock_) = false;
    // Written with the lock held.
    std::size_t bytes_ = 0;
    ForAll<std::uint8_t> counts_{};
    ForAll<Batches> batches_ CAIRN_GUARDED_BY(lock_){};
};

}  // namespace cairn
