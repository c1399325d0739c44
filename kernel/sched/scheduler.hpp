// SPDX-License-Identifier: MIT
// Which task runs on which hart. One queue for all harts, so that no hart idles while a task that
// may run there waits; harts take from it when they have nothing to do, and a task is preempted
// where another has had less. A task that is alone has no end of its turn: whoever is queued behind
// it interrupts its hart.
//
// Any hart may call; all is under one lock, for some dozen instructions and a walk over the queue.
// Times are ticks of `time`.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include <cairn/spinlock.hpp>
#include "kernel/host/cpu/ipi_batch.hpp"
#include "kernel/sched/fair_queue.hpp"

namespace cairn {

/// Somebody who looks at a vCPU whose state lies in no hart.
class VcpuObserver {
  public:
    /// It stays so meanwhile, on whichever hart that is said. Within the scheduler's lock.
    virtual void at_rest(Vcpu& vcpu) = 0;
    /// Its VM has ended before that.
    virtual void has_gone() = 0;

  protected:
    ~VcpuObserver() = default;
};

class Scheduler {
  public:
    static constexpr std::size_t max_harts = 64;
    static constexpr std::uint64_t usual_turn_ms = 5;
    static constexpr std::uint64_t turns_per_second = 1000 / usual_turn_ms;

    constexpr Scheduler() = default;
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    /// Before the first task: how long a turn is, by the rate of `time`.
    void set_rate(std::uint64_t ticks_per_second, std::uint64_t turn_ms = usual_turn_ms);
    /// Before the first task: the next hart, numbered from 0, which `target` interrupts and
    /// outlives the scheduler.
    void add_hart(const IpiTarget& target);
    [[nodiscard]] std::uint64_t turn() const { return turn_; }
    [[nodiscard]] std::uint64_t nanoseconds(std::uint64_t ticks) const;
    [[nodiscard]] std::size_t harts() const { return harts_count_; }
    [[nodiscard]] const IpiTarget& target(std::size_t hart) const { return *targets_[hart]; }

    static constexpr std::size_t no_hart = max_harts;
    /// A task that slept, or is new, wants to run. `by`: the hart at hand, where it looks at the
    /// queue after this, so that nobody need be interrupted for it: it takes one or, where it has
    /// one, asks whether the turn is over.
    void wake(Task& task, std::uint64_t now, std::size_t by = no_hart);

    struct Turn {
        bool is_over;       ///< the task is to make way for another
        std::uint64_t end;  ///< else when it is; all ones where nobody waits for the hart
    };
    /// What a hart runs next. No task: it is to sleep until it is interrupted.
    struct Next {
        Task* task = nullptr;
        std::uint64_t turn_end = 0;  ///< as of a Turn
        bool has_shown = false;      ///< the one before to its observer, who may want something now
    };
    /// For `hart`, which has none; it runs from `now` on.
    [[nodiscard]] Next take(std::size_t hart, std::uint64_t now);
    /// The turn of the task of `hart`. One that has had its turn, and need not make way, has
    /// another.
    [[nodiscard]] Turn look(std::size_t hart, std::uint64_t now);
    enum class Leaving : std::uint8_t {
        waits,   ///< for its next turn
        sleeps,  ///< until `wake`
    };
    /// The task of `hart`, whose state lies in no hart from now on, leaves it; what comes next.
    [[nodiscard]] Next pass_on(std::size_t hart, Leaving how, std::uint64_t now);
    /// The task of `hart` sleeps or is retired.
    void release(std::size_t hart, std::uint64_t now);

    /// For people: stale as soon as it is known, so it is to be compared alone.
    [[nodiscard]] const Task* running_on(std::size_t hart);

    /// Brings the figures of all tasks and harts up to `now`.
    void settle(std::uint64_t now);
    /// How many ticks tasks have run on `hart`, as it was last settled.
    [[nodiscard]] std::uint64_t busy(std::size_t hart);

    /// Shows `observer` the vCPU of `task` at rest: now where no hart runs it; else its hart is
    /// asked to put it away, and shows it as soon as it has. One observer at a time, which outlives
    /// the look or says `stop_observing`; false where another is to be shown one already.
    [[nodiscard]] bool try_observe(const Task& task, VcpuObserver& observer);
    /// It is shown nothing any more.
    void stop_observing(const VcpuObserver& observer);

    /// From now on harts take nothing; each is interrupted.
    void close();
    [[nodiscard]] bool is_closed() const { return closed_.load(std::memory_order_acquire); }

  private:
    struct Hart {
        Task* task = nullptr;
        std::uint64_t turn_began = 0;
        bool is_timed = false;   ///< its task's turn ends
        bool has_woken = false;  ///< a task, which it has not looked for yet
        std::uint64_t busy = 0;  ///< ticks
    };

    /// By how much a task within its turn must have had more than another, to make way for it.
    [[nodiscard]] std::uint64_t grace() const { return turn_ / 4; }
    void charge(Hart& hart, std::uint64_t now) CAIRN_REQUIRES(lock_);
    void advance_queue(std::uint64_t now) CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool leave(Hart& hart, std::uint64_t now) CAIRN_REQUIRES(lock_);
    [[nodiscard]] Next take_next(std::size_t hart, std::uint64_t now) CAIRN_REQUIRES(lock_);
    [[nodiscard]] std::span<Hart> harts_there() CAIRN_REQUIRES(lock_) {
        return std::span(harts_).first(harts_count_);
    }
    [[nodiscard]] bool rouse_sleeper_for(const Task& task) CAIRN_REQUIRES(lock_);
    void preempt_for(const Task& task, std::size_t by) CAIRN_REQUIRES(lock_);

    Spinlock lock_;
    FairQueue queue_ CAIRN_GUARDED_BY(lock_);
    std::array<Hart, max_harts> harts_ CAIRN_GUARDED_BY(lock_){};
    /// Those that have found nothing, and have not been interrupted since.
    HostHarts sleepers_ CAIRN_GUARDED_BY(lock_) = 0;
    const Task* observed_ CAIRN_GUARDED_BY(lock_) = nullptr;
    VcpuObserver* observer_ CAIRN_GUARDED_BY(lock_) = nullptr;
    std::array<const IpiTarget*, max_harts> targets_{};
    std::size_t harts_count_ = 0;
    std::uint64_t turn_ = 1;
    std::uint64_t ticks_per_second_ = 1;
    std::atomic<bool> closed_ = false;
};

}  // namespace cairn
