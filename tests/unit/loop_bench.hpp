// SPDX-License-Identifier: MIT
// A VM on the bench whose vCPUs one hart runs: what its guest does is a function of the test.
#pragma once

#include <array>
#include <deque>

#include "kernel/sched/hart_loop.hpp"
#include "tests/unit/guest_bench.hpp"

namespace cairn::test {

class LoopBench : public GuestBench, public VmEnd {
  public:
    explicit LoopBench(const GuestFeatures& features = {}, std::uint32_t cpus = 1)
        : GuestBench(features, cpus), group(vm, {}, *this) {
        scheduler.add_hart(host_harts[0]);
        csr_write<Csr::sie>(Sip::SSIP::mask);
        group.begin(cpus);
        for (std::uint32_t cpu = 0; cpu < cpus; ++cpu)
            tasks.emplace_back(vm.vcpu(cpu), group);
    }
    virtual ~LoopBench() { finish(); }

    void all_have_left(Vm&) override {
        has_ended = true;
        scheduler.close();
    }
    /// Runs vCPU `cpu` alone, from where it is, until the scheduler is closed.
    void run(std::uint32_t cpu = 0) {
        group.begin(1);
        if (vm.vcpu(cpu).is_here()) vm.vcpu(cpu).put_away();
        scheduler.wake(tasks[cpu], 0);
        loop.run();
    }
    void run_all() {
        for (Task& task : tasks)
            scheduler.wake(task, 0);
        loop.run();
    }
    /// The guest is entered once more: enough.
    void stop() { vm.stop(StopReason::power_off); }
    void finish() {
        if (has_ended) return;
        stop();
        for (Task& task : tasks)
            if (task.is_linked()) task.unlink();
    }

    /// So many pieces, as long as no other hart is at it.
    struct Work final : HostWork {
        [[nodiscard]] std::uint64_t due() const override {
            return pieces != 0 ? at_once : when_asked;
        }
        bool run() override {
            ++looks;
            if (is_elsewhere) return false;
            --pieces;
            return true;
        }
        unsigned pieces = 0;
        unsigned looks = 0;
        bool is_elsewhere = false;
    };

    Scheduler scheduler;
    Work work;
    std::array<HostWork*, 1> works{&work};
    HartLoop loop{scheduler, 0, works};
    TaskGroup group;
    std::deque<Task> tasks;
    bool has_ended = false;
};

}  // namespace cairn::test
