// SPDX-License-Identifier: MIT
// Tasks that want a hart, by virtual time: what each has run, divided by its weight. Whoever has
// least comes first, so that over time each has its part by weight, however long its turns are. One
// that comes from sleep does not get back what it has not used: it begins where the queue is now.
// Pure. No lock.
#pragma once

#include <cstdint>

#include <cairn/intrusive_list.hpp>
#include "kernel/sched/task.hpp"

namespace cairn {

class FairQueue {
  public:
    /// `bonus` is how much a task that wakes may be ahead of the others, in ticks.
    explicit constexpr FairQueue(std::uint64_t bonus = 0) : bonus_(bonus) {}

    void set_bonus(std::uint64_t ticks) { bonus_ = ticks; }
    /// How much more than another a task may have had, and still come before it.
    [[nodiscard]] std::uint64_t hardly_more() const { return bonus_ / 8; }

    /// Nobody who runs has less than `least`: who comes from sleep has not, either.
    void advance(std::uint64_t least);
    /// Adds a task that was asleep, or is new.
    void add_awake(Task& task);
    /// Adds one that has just run.
    void add(Task& task);
    /// The first that may run on `hart`, or nullptr.
    [[nodiscard]] Task* first_for(std::size_t hart);
    /// Removes one that is queued: it is about to run.
    void remove(Task& task);
    [[nodiscard]] bool empty() const { return tasks_.empty(); }
    // The tasks that are queued.
    [[nodiscard]] auto begin() { return tasks_.begin(); }
    [[nodiscard]] auto end() { return tasks_.end(); }

  private:
    intrusive_list<Task> tasks_;  ///< the least virtual time first, by and large
    std::uint64_t floor_ = 0;     ///< nobody who ran or waited lately has less
    std::uint64_t bonus_;
};

/// Adds the virtual time of `ticks` on a hart. What is less than one is kept: a task that is looked
/// at often pays as much as one that is not.
inline void pay(Task& task, std::uint64_t ticks) {
    const std::uint32_t weight = task.group.share().weight;
    task.unpaid += ticks * Share::usual_weight;
    task.virtual_time += task.unpaid / weight;
    task.unpaid %= weight;
}

}  // namespace cairn
