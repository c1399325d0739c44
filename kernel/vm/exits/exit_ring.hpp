// SPDX-License-Identifier: MIT
// The last exits of a vCPU, as many as there is room for: one more takes the place of the oldest.
// Exits are numbered from 0 on; the number of one that is kept finds it:
//
//     room     [ 8  9  2  3  4  5  6  7 ]      first() = 2, end() = 10
//                     ^next_
//
// Pure. No lock, no memory of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/vm/exits/exit_record.hpp"

namespace cairn {

class ExitRing {
  public:
    constexpr ExitRing() = default;
    /// In `room`, which outlives it.
    explicit constexpr ExitRing(std::span<ExitRecord> room) : room_(room) {}

    [[nodiscard]] constexpr std::size_t capacity() const { return room_.size(); }
    /// The number of the oldest that is kept; those before it are lost.
    [[nodiscard]] constexpr std::uint64_t first() const {
        return end_ > room_.size() ? end_ - room_.size() : 0;
    }
    /// The number that comes next.
    [[nodiscard]] constexpr std::uint64_t end() const { return end_; }

    /// Where there is room at all.
    constexpr void put(const ExitRecord& record) {
        if (room_.empty()) return;
        room_[next_] = record;
        if (++next_ == room_.size()) next_ = 0;  // no division on the way of an exit
        ++end_;
    }
    /// The exit of that number; nullptr: it is lost, or has not been.
    [[nodiscard]] constexpr const ExitRecord* find(std::uint64_t number) const {
        return number >= first() && number < end_ ? &room_[number % room_.size()] : nullptr;
    }
    /// The last one, where there is one.
    [[nodiscard]] constexpr ExitRecord* newest() {
        return end_ == 0 ? nullptr : &room_[(next_ == 0 ? room_.size() : next_) - 1];
    }

  private:
    std::span<ExitRecord> room_;
    std::size_t next_ = 0;  ///< end_ modulo the capacity
    std::uint64_t end_ = 0;
};

}  // namespace cairn
