// SPDX-License-Identifier: MIT
// A vCPU as the scheduler sees it, and the vCPUs of a VM together:
//
//               take                    pass_on
//     queued ─────────► running ────────────────────► queued
//        ▲                 │ sleep          │ retire
//        │ wake            ▼                ▼
//        └───────────── sleeping         retired ── the last of a VM ──► VmEnd
//
// A task that sleeps does so on the hart that it last ran on, which alone looks after it. Queued
// and running tasks are the scheduler's, under its lock (kernel/sched/scheduler.hpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include <cairn/list_hook.hpp>
#include "kernel/vm/vm.hpp"

namespace cairn {

/// A set of the harts that run guests, by their number from 0: bit n for hart n.
using HostHarts = std::uint64_t;

/// What a VM may have of the harts.
struct Share {
    static constexpr std::uint32_t usual_weight = 100;

    std::uint32_t weight = usual_weight;  ///< 1 to 10,000: its vCPUs' part, beside those of others
    HostHarts harts = ~HostHarts{0};      ///< where they may run; at least one that there is
};

class TaskGroup;

struct Task : list_hook {
    Task(Vcpu& of, TaskGroup& all) : vcpu(of), group(all) {}

    Vcpu& vcpu;
    TaskGroup& group;
    /// What it has run, in ticks of `time` by its weight: whoever has least comes next.
    std::uint64_t virtual_time = 0;
    std::uint64_t unpaid = 0;       ///< less than a tick of it, times the weight
    std::uint64_t waited_told = 0;  ///< of `waited`, what is no news to its guest
    std::uint64_t since = 0;        ///< when it was queued, or began to run
    // For people.
    std::atomic<std::uint64_t> ran = 0;     ///< ticks
    std::atomic<std::uint64_t> waited = 0;  ///< ticks in the queue
    std::atomic<std::uint32_t> turns = 0;   ///< how often a hart has taken it
};

/// Told of a VM that no hart runs any more.
class VmEnd {
  public:
    /// On the hart that ran the last of its vCPUs. The VM may be started again or destroyed.
    virtual void all_have_left(Vm& vm) = 0;

  protected:
    ~VmEnd() = default;
};

class TaskGroup {
  public:
    /// Of `vm`, whose tasks are added before it is started; `end` outlives it.
    TaskGroup(Vm& vm, const Share& share, VmEnd& end) : vm_(vm), share_(share), end_(end) {}
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    [[nodiscard]] Vm& vm() { return vm_; }
    [[nodiscard]] const Share& share() const { return share_; }

    /// Before its `count` tasks are queued.
    void begin(std::uint32_t count) { present_.store(count, std::memory_order_relaxed); }
    /// One is retired; nothing of the group is touched after the last.
    void leave() {
        if (present_.fetch_sub(1, std::memory_order_acq_rel) == 1) end_.all_have_left(vm_);
    }

  private:
    Vm& vm_;
    Share share_;
    VmEnd& end_;
    std::atomic<std::uint32_t> present_ = 0;
};

}  // namespace cairn
