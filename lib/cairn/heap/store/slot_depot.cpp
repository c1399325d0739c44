// SPDX-License-Identifier: MIT
#include "cairn/heap/store/slot_depot.hpp"

#include <span>

namespace cairn {

bool SlotDepot::put(std::size_t small_class, std::uint32_t owner, std::byte* const* slots) {
    const SpinGuard guard(lock_);
    std::uint8_t& count = counts_[owner][small_class];
    const std::size_t size = bytes_ + batch * class_size(small_class);
    if (closed_ || count >= places(small_class) || size > most_bytes) return false;
    std::copy_n(slots, batch, batches_[owner][small_class][count].begin());
    __atomic_store_n(&count, static_cast<std::uint8_t>(count + 1), __ATOMIC_RELAXED);
    __atomic_store_n(&bytes_, size, __ATOMIC_RELAXED);
    return true;
}

bool SlotDepot::take(std::size_t small_class, std::uint32_t owner, std::byte** slots) {
    if (__atomic_load_n(&counts_[owner][small_class], __ATOMIC_RELAXED) == 0) return false;
    const SpinGuard guard(lock_);
    return take_last(small_class, owner, slots);
}

/// With the lock held also where there is nothing: who looks here after the owner has left, and who
/// puts something here and then looks whether it has, are in one order.
bool SlotDepot::take_any(std::uint32_t owner, std::byte** slots) {
    const SpinGuard guard(lock_);
    for (unsigned c = 1; c <= small_classes; ++c) {
        if (take_last(c, owner, slots)) return true;
    }
    return false;
}

bool SlotDepot::take_last(std::size_t small_class, std::uint32_t owner, std::byte** slots) {
    std::uint8_t& count = counts_[owner][small_class];
    if (count == 0) return false;
    std::ranges::copy(batches_[owner][small_class][count - 1U], slots);
    __atomic_store_n(&count, static_cast<std::uint8_t>(count - 1), __ATOMIC_RELAXED);
    __atomic_store_n(&bytes_, bytes_ - batch * class_size(small_class), __ATOMIC_RELAXED);
    return true;
}

void SlotDepot::close() {
    const SpinGuard guard(lock_);
    closed_ = true;
}

bool SlotDepot::holds(const std::byte* slot, std::size_t small_class) const {
    const SpinGuard guard(lock_);
    for (std::size_t owner = 0; owner < SlabStore::owners; ++owner) {
        const std::span batches(batches_[owner][small_class]);
        for (const Batch& each : batches.first(counts_[owner][small_class])) {
            if (std::ranges::find(each, slot) != each.end()) return true;
        }
    }
    return false;
}

}  // namespace cairn
