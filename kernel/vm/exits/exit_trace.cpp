// SPDX-License-Identifier: MIT
#include "kernel/vm/exits/exit_trace.hpp"

#include <utility>

namespace cairn {

std::optional<ExitTrace::Room> ExitTrace::turn_on(Room room) {
    const SpinGuard guard(lock_);
    ring_ = ExitRing(room);  // its elements stay where they are when it moves
    is_away_ = false;
    return std::exchange(room_, std::move(room));
}

std::optional<ExitTrace::Room> ExitTrace::turn_off() {
    const SpinGuard guard(lock_);
    ring_ = {};
    is_away_ = false;
    return std::exchange(room_, std::nullopt);
}

void ExitTrace::add(const ExitRecord& record) {
    const SpinGuard guard(lock_);
    ring_.put(record);
    is_away_ = record.left;
}

void ExitTrace::entered(std::uint64_t now) {
    const SpinGuard guard(lock_);
    if (!std::exchange(is_away_, false)) return;
    if (ExitRecord* const newest = ring_.newest(); newest != nullptr)
        newest->ticks = saturated(now - newest->time);
}

ExitTrace::Extent ExitTrace::extent() const {
    const SpinGuard guard(lock_);
    return {.capacity = ring_.capacity(), .first = ring_.first(), .end = ring_.end()};
}

std::optional<ExitRecord> ExitTrace::at(std::uint64_t number) const {
    const SpinGuard guard(lock_);
    const ExitRecord* const found = ring_.find(number);
    if (found == nullptr) return std::nullopt;
    return *found;
}

}  // namespace cairn
