// SPDX-License-Identifier: MIT
// Tasks of the scheduler, each in a group with a share of its own, and a clock that tests turn.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "kernel/sched/scheduler.hpp"
#include "tests/unit/guest_bench.hpp"

namespace cairn::test {

class TaskBench : public VmEnd {
  public:
    static constexpr std::uint64_t turn = 100;  ///< ticks
    static constexpr std::uint32_t most_tasks = 8;

    explicit TaskBench(std::size_t harts = 1) {
        scheduler.set_rate(Scheduler::turns_per_second * turn);
        for (std::size_t hart = 0; hart < harts; ++hart)
            scheduler.add_hart(GuestBench::host_harts[hart]);
        running.resize(harts);
        fake_sbi_calls.clear();
    }
    virtual ~TaskBench() {
        for (Task& task : tasks)
            if (task.is_linked()) task.unlink();
    }

    void all_have_left(Vm&) override {}
    Task& add(const Share& share = {}) {
        groups.emplace_back(guest.vm, share, *this);
        return tasks.emplace_back(guest.vm.vcpu(static_cast<std::uint32_t>(tasks.size())),
                                  groups.back());
    }
    Task& wake(Task& task, std::size_t by = Scheduler::no_hart) {
        scheduler.wake(task, now, by);
        return task;
    }
    /// What a hart does between two exits: makes way where it is to, and takes what comes next.
    void look(std::size_t hart) {
        if (running[hart] != nullptr) running[hart]->vcpu.forget_requests();
        if (running[hart] == nullptr) {
            running[hart] = scheduler.take(hart, now).task;
        } else if (scheduler.look(hart, now).is_over) {
            running[hart] = scheduler.pass_on(hart, Scheduler::Leaving::waits, now).task;
        } else {
            return;
        }
        if (running[hart] != nullptr) running[hart]->vcpu.answer_on(GuestBench::host_harts[hart]);
    }
    void sleep(std::size_t hart) {
        scheduler.release(hart, now);
        running[hart] = nullptr;
    }
    /// All harts run for `ticks`, and look at the queue every tenth of a turn.
    void pass(std::uint64_t ticks) {
        for (const std::uint64_t end = now + ticks; now < end; now += turn / 10)
            for (std::size_t hart = 0; hart < running.size(); ++hart) {
                look(hart);
                deliver();
            }
    }
    /// Harts that were interrupted look at the queue.
    void deliver() {
        while (!fake_sbi_calls.empty()) {
            const auto calls = std::exchange(fake_sbi_calls, {});
            for (const FakeSbiCall& call : calls)
                if (call.extension == SbiExtension::ipi) look(call.arguments[1]);
        }
    }

    GuestBench guest{{}, most_tasks};
    Scheduler scheduler;
    std::deque<TaskGroup> groups;
    std::deque<Task> tasks;
    std::vector<Task*> running;  ///< by hart
    std::uint64_t now = 0;
};

}  // namespace cairn::test
