// SPDX-License-Identifier: MIT
#include "kernel/sched/scheduler.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <cairn/panic.hpp>

namespace cairn {
namespace {

constexpr std::uint64_t never = ~std::uint64_t{0};

/// Who calls has read `now` before it got the lock: another hart may have come in between, with a
/// later time.
std::uint64_t elapsed(std::uint64_t since, std::uint64_t now) {
    return now > since ? now - since : 0;
}

bool may_run(const Task& task, std::size_t hart) {
    return (task.group.share().harts >> hart & 1) != 0;
}

/// It leaves its guest, and its hart looks at the queue.
void interrupt(Task& task) {
    task.vcpu.leave_guest();
    task.vcpu.request(Request::look);
}

}  // namespace

void Scheduler::set_rate(std::uint64_t ticks_per_second, std::uint64_t turn_ms) {
    const SpinGuard guard(lock_);
    ticks_per_second_ = ticks_per_second;
    turn_ = std::max<std::uint64_t>(ticks_per_second * turn_ms / 1000, 1);
    queue_.set_bonus(turn_);
}

std::uint64_t Scheduler::nanoseconds(std::uint64_t ticks) const {
    constexpr std::uint64_t per_second = 1'000'000'000;
    return ticks / ticks_per_second_ * per_second +
           ticks % ticks_per_second_ * per_second / ticks_per_second_;
}

void Scheduler::add_hart(const IpiTarget& target) {
    require(harts_count_ < max_harts, "the scheduler has room for its harts");
    targets_[harts_count_++] = &target;
}

/// What its task has run since it was last looked at.
void Scheduler::charge(Hart& hart, std::uint64_t now) {
    Task& task = *hart.task;
    const std::uint64_t ticks = elapsed(task.since, now);
    task.since += ticks;
    task.ran.fetch_add(ticks, std::memory_order_relaxed);
    hart.busy += ticks;
    pay(task, ticks);
}

/// The queue moves with those who run, also while nobody is taken from it: who has run alone has
/// not run ahead of those who wake.
void Scheduler::advance_queue(std::uint64_t now) {
    std::uint64_t least = never;
    for (Hart& hart : harts_there()) {
        if (hart.task == nullptr) continue;
        charge(hart, now);
        least = std::min(least, hart.task->virtual_time);
    }
    if (least != never) queue_.advance(least);
}

/// Its task's state lies in no hart from now on, or its VM has ended. Whether an observer was told.
bool Scheduler::leave(Hart& hart, std::uint64_t now) {
    advance_queue(now);
    const Task* const task = std::exchange(hart.task, nullptr);
    if (observed_ != task) return false;
    observed_ = nullptr;
    VcpuObserver& observer = *std::exchange(observer_, nullptr);
    if (task->vcpu.vm().stopped()) {
        observer.has_gone();
    } else {
        observer.at_rest(task->vcpu);
    }
    return true;
}

bool Scheduler::try_observe(const Task& task, VcpuObserver& observer) {
    const SpinGuard guard(lock_);
    if (observed_ != nullptr) return false;
    for (const Hart& hart : harts_there()) {
        if (hart.task != &task) continue;
        observed_ = &task;
        observer_ = &observer;
        interrupt(*hart.task);
        return true;
    }
    observer.at_rest(task.vcpu);
    return true;
}

void Scheduler::stop_observing(const VcpuObserver& observer) {
    const SpinGuard guard(lock_);
    if (observer_ != &observer) return;
    observed_ = nullptr;
    observer_ = nullptr;
}

void Scheduler::settle(std::uint64_t now) {
    const SpinGuard guard(lock_);
    advance_queue(now);
    for (Task& task : queue_) {
        const std::uint64_t ticks = elapsed(task.since, now);
        task.since += ticks;
        task.waited.fetch_add(ticks, std::memory_order_relaxed);
    }
}

std::uint64_t Scheduler::busy(std::size_t hart) {
    const SpinGuard guard(lock_);
    return harts_[hart].busy;
}

bool Scheduler::rouse_sleeper_for(const Task& task) {
    const HostHarts able = sleepers_ & task.group.share().harts;
    if (able == 0) return false;
    sleepers_ &= ~(able & -able);
    send_ipi(*targets_[static_cast<std::size_t>(std::countr_zero(able))]);
    return true;
}

/// Has the hart make way whose task has had most, where that is clearly more; or one whose task
/// does not know yet that its turn ends.
void Scheduler::preempt_for(const Task& task, std::size_t by) {
    Hart* chosen = nullptr;
    std::uint64_t most = 0;
    HostHarts allowed = task.group.share().harts;
    for (Hart& hart : harts_there()) {
        const bool may_run = (allowed & 1) != 0;
        allowed >>= 1;
        if (hart.task == nullptr || !may_run) continue;
        const std::uint64_t had = hart.task->virtual_time;
        if (hart.is_timed && had <= task.virtual_time + grace()) continue;
        if (chosen != nullptr && had < most) continue;
        chosen = &hart;
        most = had;
    }
    if (chosen == nullptr) return;
    chosen->is_timed = true;
    if (by == no_hart || chosen != &harts_[by]) interrupt(*chosen->task);
}

void Scheduler::wake(Task& task, std::uint64_t now, std::size_t by) {
    const SpinGuard guard(lock_);
    advance_queue(now);
    task.since = now;
    queue_.add_awake(task);
    if (by != no_hart && may_run(task, by)) {
        Hart& self = harts_[by];
        if (self.task == nullptr && !std::exchange(self.has_woken, true)) return;
    }
    if (!rouse_sleeper_for(task)) preempt_for(task, by);
}

Scheduler::Next Scheduler::take(std::size_t index, std::uint64_t now) {
    const SpinGuard guard(lock_);
    return take_next(index, now);
}

Scheduler::Next Scheduler::take_next(std::size_t index, std::uint64_t now) {
    Hart& hart = harts_[index];
    Task* const task = closed_.load(std::memory_order_relaxed) ? nullptr : queue_.first_for(index);
    const HostHarts self = HostHarts{1} << index;
    sleepers_ = task == nullptr ? sleepers_ | self : sleepers_ & ~self;
    if (task != nullptr) queue_.remove(*task);
    // It has woken one, told no other hart, and taken another one.
    if (std::exchange(hart.has_woken, false)) {
        for (const Task& left : queue_)
            (void)rouse_sleeper_for(left);
    }
    if (task == nullptr) return {};
    task->waited.fetch_add(elapsed(task->since, now), std::memory_order_relaxed);
    task->turns.fetch_add(1, std::memory_order_relaxed);
    task->since = now;
    hart.task = task;
    hart.turn_began = now;
    hart.is_timed = queue_.first_for(index) != nullptr;
    return {.task = task, .turn_end = hart.is_timed ? now + turn_ : never};
}

Scheduler::Next Scheduler::pass_on(std::size_t index, Leaving how, std::uint64_t now) {
    const SpinGuard guard(lock_);
    Task& task = *harts_[index].task;
    const bool has_shown = leave(harts_[index], now);
    if (how == Leaving::waits) queue_.add(task);
    Next next = take_next(index, now);
    next.has_shown = has_shown;
    if (how == Leaving::waits && next.task != &task) (void)rouse_sleeper_for(task);
    return next;
}

Scheduler::Turn Scheduler::look(std::size_t index, std::uint64_t now) {
    const SpinGuard guard(lock_);
    Hart& hart = harts_[index];
    if (hart.task == observed_) return {.is_over = true, .end = now};
    const Task* const next = queue_.first_for(index);
    hart.is_timed = next != nullptr;
    if (next == nullptr) return {.is_over = false, .end = never};
    charge(hart, now);
    const std::uint64_t had = hart.task->virtual_time;
    const bool had_its_turn = elapsed(hart.turn_began, now) >= turn_;
    if (had_its_turn ? next->virtual_time <= had + queue_.hardly_more()
                     : next->virtual_time + grace() < had) {
        return {.is_over = true, .end = now};
    }
    if (had_its_turn) hart.turn_began = now;
    return {.is_over = false, .end = hart.turn_began + turn_};
}

void Scheduler::release(std::size_t index, std::uint64_t now) {
    const SpinGuard guard(lock_);
    (void)leave(harts_[index], now);
}

const Task* Scheduler::running_on(std::size_t hart) {
    const SpinGuard guard(lock_);
    return harts_[hart].task;
}

void Scheduler::close() {
    const SpinGuard guard(lock_);
    closed_.store(true, std::memory_order_release);
    for (std::size_t hart = 0; hart < harts_count_; ++hart) {
        if (harts_[hart].task != nullptr) interrupt(*harts_[hart].task);
        send_ipi(*targets_[hart]);
    }
}

}  // namespace cairn
