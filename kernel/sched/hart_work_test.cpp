// SPDX-License-Identifier: MIT
// Work between guests that is about other work, or about the guest of its own hart.
#include "kernel/host/cpu/host_timer.hpp"
#include "tests/unit/loop_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

LoopBench* bench = nullptr;  // for the fakes, which are functions without a context
unsigned entries = 0;

}  // namespace

TEST_CASE("a work that another one wants behind it is not left until something comes",
          "[hart_work]") {
    LoopBench loop;
    bench = &loop;
    entries = 0;
    struct Wants final : HostWork {
        explicit Wants(LoopBench::Work& other) : other_(other) {}
        [[nodiscard]] std::uint64_t due() const override { return has_run_ ? when_asked : at_once; }
        bool run() override {
            other_.pieces = 1;
            return has_run_ = true;
        }

      private:
        LoopBench::Work& other_;
        bool has_run_ = false;
    } second(loop.work);
    const std::array<HostWork*, 2> works{&loop.work, &second};
    HartLoop other(loop.scheduler, 0, works);
    fake_hart.guest = [](VcpuContext*) {
        CHECK(bench->work.pieces == 1);
        CHECK(is_host_timer_armed(TimerUse::scheduler));
        bench->stop();
    };
    loop.group.begin(1);
    loop.vcpu().put_away();
    loop.scheduler.wake(loop.tasks[0], 0);
    other.run();
}

TEST_CASE("a VM that is stopped by work of its own hart is not entered again", "[hart_work]") {
    LoopBench loop;
    bench = &loop;
    entries = 0;
    struct Stops final : HostWork {
        [[nodiscard]] std::uint64_t due() const override {
            return entries == 1 ? at_once : when_asked;
        }
        bool run() override {
            bench->stop();
            return true;
        }
    } stops;
    const std::array<HostWork*, 1> works{&stops};
    HartLoop other(loop.scheduler, 0, works);
    fake_hart.guest = [](VcpuContext* context) {
        ++entries;
        context->vcpu->leave_guest();
    };
    loop.group.begin(1);
    loop.vcpu().put_away();
    loop.scheduler.wake(loop.tasks[0], 0);
    other.run();
    CHECK(entries == 1);
    CHECK(loop.has_ended);
}
