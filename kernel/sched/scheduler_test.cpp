// SPDX-License-Identifier: MIT
// Who runs where, by a clock that the tests turn.
#include "kernel/sched/scheduler.hpp"

#include <algorithm>

#include <rapidcheck.h>

#include "kernel/sched/runnable.hpp"
#include "tests/unit/task_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t long_time = 1000 * TaskBench::turn;

std::uint64_t ran(const Task& task) {
    return task.ran.load();
}

/// Within 5 %.
bool is_near(std::uint64_t value, std::uint64_t aim) {
    return value * 100 >= aim * 95 && value * 100 <= aim * 105;
}

}  // namespace

TEST_CASE("tasks on one hart have their parts by weight", "[scheduler]") {
    TaskBench bench;
    for (const std::uint32_t weight : {100u, 200u, 100u, 400u})
        bench.wake(bench.add({.weight = weight}));
    bench.pass(long_time);
    for (const Task& task : bench.tasks) {
        CAPTURE(ran(task), task.virtual_time, task.turns.load());
        CHECK(is_near(ran(task), long_time * task.group.share().weight / 800));
    }
}

TEST_CASE("equals have equal parts of all harts", "[scheduler]") {
    for (const std::size_t harts : {2u, 3u}) {
        TaskBench bench(harts);
        for (unsigned task = 0; task < 8; ++task)
            bench.wake(bench.add());
        bench.pass(long_time);
        for (const Task& task : bench.tasks)
            CHECK(is_near(ran(task), long_time * harts / 8));
    }
}

TEST_CASE("a runnable task waits for a turn of each other on its hart at most", "[scheduler]") {
    for (const std::size_t harts : {1u, 2u, 4u}) {
        TaskBench bench(harts);
        for (unsigned task = 0; task < 8; ++task)
            bench.wake(bench.add());
        std::uint64_t longest = 0;
        for (std::uint64_t passed = 0; passed < long_time; passed += TaskBench::turn / 10) {
            bench.pass(TaskBench::turn / 10);
            for (const Task& task : bench.tasks)
                if (std::ranges::find(bench.running, &task) == bench.running.end())
                    longest = std::max(longest, bench.now - task.since);
        }
        CAPTURE(harts);
        CHECK(longest <= (8 / harts - 1) * TaskBench::turn + TaskBench::turn / 10);
    }
}

TEST_CASE("equals take turns in one order, though no turn is exactly as long as another",
          "[scheduler]") {
    TaskBench bench;
    for (unsigned task = 0; task < 4; ++task)
        bench.wake(bench.add());
    bench.look(0);
    std::uint64_t random = 1;
    for (unsigned n = 0; n < 400; ++n) {
        random = random * 25 % 101;
        bench.now += TaskBench::turn + random % 4;
        bench.look(0);
        CHECK(bench.running[0] == &bench.tasks[(n + 1) % 4]);
    }
}

TEST_CASE("a task runs where its share says, and leaves the rest to others", "[scheduler]") {
    TaskBench bench(2);
    Task& bound = bench.wake(bench.add({.harts = 0b10}));
    Task& other = bench.wake(bench.add({.harts = 0b10}));
    bench.pass(long_time);
    CHECK(bench.running[0] == nullptr);
    CHECK(is_near(ran(bound), long_time / 2));
    CHECK(is_near(ran(other), long_time / 2));
    Task& free = bench.wake(bench.add());
    bench.pass(long_time);
    CHECK(is_near(ran(free), long_time));  // hart 0 is its own
    CHECK(bench.running[0] == &free);
}

TEST_CASE("a task that wakes rouses a hart that sleeps, where it may run", "[scheduler]") {
    TaskBench bench(2);
    bench.look(0);
    bench.look(1);
    fake_sbi_calls.clear();
    bench.wake(bench.add({.harts = 0b10}));
    CHECK(fake_sbi_calls == std::vector{FakeSbiCall{SbiExtension::ipi, 0, {0b1, 1}}});
    bench.look(0);
    CHECK(bench.running[0] == nullptr);
    bench.look(1);
    CHECK(bench.running[1] != nullptr);
}

TEST_CASE("a hart that wakes a task and looks for one itself interrupts nobody", "[scheduler]") {
    TaskBench bench(3);
    for (const std::size_t hart : {0u, 1u, 2u})
        bench.look(hart);
    fake_sbi_calls.clear();
    bench.wake(bench.add(), 1);
    CHECK(fake_sbi_calls.empty());
    bench.wake(bench.add(), 1);  // it cannot take both
    CHECK(fake_sbi_calls == std::vector{FakeSbiCall{SbiExtension::ipi, 0, {0b1, 0}}});
    bench.look(1);
    CHECK(bench.running[1] == &bench.tasks[0]);
    bench.deliver();
    CHECK(bench.running[0] == &bench.tasks[1]);
    fake_sbi_calls.clear();
    bench.wake(bench.add({.harts = 0b010}), 1);  // behind the one that runs there
    CHECK(fake_sbi_calls.empty());
    CHECK_FALSE(bench.running[1]->vcpu.leaves_guest());
}

TEST_CASE("a hart that has woken a task and takes another one tells who may take the first",
          "[scheduler]") {
    TaskBench bench(2);
    bench.look(0);
    Task& first = bench.wake(bench.add({.harts = 0b10}));
    fake_sbi_calls.clear();
    Task& woken = bench.wake(bench.add(), 1);
    CHECK(fake_sbi_calls.empty());
    bench.look(1);
    CHECK(bench.running[1] == &first);
    CHECK(fake_sbi_calls == std::vector{FakeSbiCall{SbiExtension::ipi, 0, {0b1, 0}}});
    bench.deliver();
    CHECK(bench.running[0] == &woken);
}

TEST_CASE("a task that wakes has one make way that has had more", "[scheduler]") {
    TaskBench bench;
    Task& busy = bench.wake(bench.add());
    bench.look(0);
    CHECK(bench.scheduler.look(0, bench.now).end == ~std::uint64_t{0});  // nobody waits
    bench.now += 10 * TaskBench::turn;
    Task& woken = bench.wake(bench.add());
    CHECK(busy.vcpu.leaves_guest());
    bench.look(0);
    CHECK(bench.running[0] == &woken);
}

TEST_CASE("sleep is not saved up", "[scheduler]") {
    TaskBench bench;
    Task& slept = bench.add();
    Task& busy = bench.wake(bench.add());
    bench.wake(bench.add());
    bench.pass(long_time);
    const std::uint64_t before = ran(busy);
    bench.wake(slept);
    bench.pass(long_time);
    CHECK(is_near(ran(slept), long_time / 3));
    CHECK(is_near(ran(busy) - before, long_time / 3));
}

TEST_CASE("who has run alone has not run ahead of those who wake", "[scheduler]") {
    TaskBench bench;
    Task& first = bench.wake(bench.add());
    bench.pass(long_time);
    SECTION("beside it") {
        Task& second = bench.wake(bench.add());
        bench.pass(long_time);
        CHECK(is_near(ran(second), long_time / 2));
        CHECK(is_near(ran(first), long_time + long_time / 2));
    }
    SECTION("while it sleeps") {
        bench.sleep(0);
        Task& second = bench.wake(bench.add());
        bench.pass(10 * TaskBench::turn);
        const std::uint64_t before = ran(second);
        bench.wake(first);
        bench.pass(long_time);
        CHECK(is_near(ran(second) - before, long_time / 2));
        CHECK(is_near(ran(first), long_time + long_time / 2));
    }
}

TEST_CASE("a closed scheduler gives nothing, and interrupts all", "[scheduler]") {
    TaskBench bench(2);
    Task& task = bench.wake(bench.add());
    bench.look(0);
    bench.scheduler.close();
    CHECK(bench.scheduler.is_closed());
    CHECK(task.vcpu.leaves_guest());
    bench.wake(bench.add());
    bench.look(1);
    CHECK(bench.running[1] == nullptr);
}

TEST_CASE("a time that was read before another hart's is no time at all", "[scheduler]") {
    TaskBench bench(2);
    bench.now = 1000;
    Task& task = bench.wake(bench.add());
    bench.look(0);
    CHECK(!bench.scheduler.look(0, 900).is_over);
    CHECK(task.ran == 0);
    CHECK(task.virtual_time == 0);
    bench.scheduler.wake(bench.add(), 950);
    CHECK(bench.scheduler.take(1, 940).task != nullptr);
    CHECK(bench.tasks[1].waited == 0);
    bench.scheduler.release(0, 1010);
    CHECK(task.ran == 10);
}

TEST_CASE("a deadline that the guest does not wait for wakes nobody", "[scheduler]") {
    GuestBench bench({.sstc = true});
    csr_write<Csr::vstimecmp>(5);
    bench.vcpu().wait_for_interrupt();
    bench.vcpu().put_away();
    CHECK(!wakening(bench.vcpu(), 10).now);
    CHECK(wakening(bench.vcpu(), 0).deadline == ~std::uint64_t{0});
    bench.vcpu().load();
    csr_write<Csr::vsie>(Sip::STIP::mask);
    bench.vcpu().put_away();
    CHECK(wakening(bench.vcpu(), 10).now);
    CHECK(wakening(bench.vcpu(), 0).deadline == 5);
}

TEST_CASE("whatever comes, no hart idles beside a task that it may run", "[scheduler]") {
    CHECK(rc::check([] {
        const auto harts = *rc::gen::inRange<std::size_t>(1, 5);
        TaskBench bench(harts);
        for (std::uint32_t task = 0; task < TaskBench::most_tasks; ++task) {
            const auto allowed = *rc::gen::inRange<HostHarts>(1, HostHarts{1} << harts);
            bench.add({.weight = *rc::gen::inRange(1u, 10'001u), .harts = allowed});
        }
        for (std::size_t hart = 0; hart < harts; ++hart)
            bench.look(hart);
        const auto steps = *rc::gen::container<std::vector<std::pair<unsigned, unsigned>>>(
            rc::gen::pair(rc::gen::inRange(0u, 4u), rc::gen::inRange(0u, 1000u)));
        for (const auto& [action, which] : steps) {
            Task& task = bench.tasks[which % bench.tasks.size()];
            const std::size_t hart = which % harts;
            const bool runs = std::ranges::find(bench.running, &task) != bench.running.end();
            if (action == 0 && !task.is_linked() && !runs) bench.wake(task);
            if (action == 3 && !task.is_linked() && !runs) {
                bench.wake(task, hart);
                bench.look(hart);
            }
            if (action == 1 && bench.running[hart] != nullptr) bench.sleep(hart);
            if (action == 1) bench.look(hart);
            if (action == 2) bench.pass(which);
            bench.deliver();
            for (std::size_t each = 0; each < harts; ++each) {
                const auto may_run = [&](const Task& one) {
                    return (one.group.share().harts >> each & 1) != 0;
                };
                if (bench.running[each] != nullptr) {
                    RC_ASSERT(may_run(*bench.running[each]));
                    RC_ASSERT(std::ranges::count(bench.running, bench.running[each]) == 1);
                } else {
                    RC_ASSERT(std::ranges::none_of(bench.tasks, [&](const Task& one) {
                        return one.is_linked() && may_run(one);
                    }));
                }
            }
        }
    }));
}

namespace {

struct Look final : VcpuObserver {
    void at_rest(Vcpu& vcpu) override { seen = &vcpu; }
    void has_gone() override { gone = true; }
    Vcpu* seen = nullptr;
    bool gone = false;
};

}  // namespace

TEST_CASE("a vCPU that no hart runs is seen at once", "[scheduler]") {
    TaskBench bench;
    Task& asleep = bench.add();
    Look look;
    CHECK(bench.scheduler.try_observe(asleep, look));
    CHECK(look.seen == &asleep.vcpu);
    bench.wake(bench.add());
    Task& queued = bench.wake(bench.add());
    bench.look(0);
    CHECK(bench.scheduler.try_observe(queued, look));
    CHECK(look.seen == &queued.vcpu);
}

TEST_CASE("a vCPU that runs is put away to be seen, and goes on", "[scheduler]") {
    TaskBench bench;
    Task& task = bench.wake(bench.add());
    bench.look(0);
    REQUIRE(bench.running[0] == &task);
    Look look;
    CHECK(bench.scheduler.try_observe(task, look));
    CHECK(look.seen == nullptr);
    CHECK(task.vcpu.leaves_guest());
    bench.look(0);  // its turn is over though nobody waits
    CHECK(look.seen == &task.vcpu);
    CHECK(bench.running[0] == &task);
    look.seen = nullptr;
    task.vcpu.enter_next();
    CHECK_FALSE(bench.scheduler.look(0, bench.now).is_over);
    bench.sleep(0);
    CHECK(look.seen == nullptr);  // once was enough
}

TEST_CASE("a vCPU that falls asleep is seen, one that has ended is not", "[scheduler]") {
    TaskBench bench;
    Task& task = bench.wake(bench.add());
    bench.look(0);
    Look look;
    CHECK(bench.scheduler.try_observe(task, look));
    bench.sleep(0);
    CHECK(look.seen == &task.vcpu);
    CHECK_FALSE(look.gone);
    bench.wake(task);
    bench.look(0);
    Look other;
    CHECK(bench.scheduler.try_observe(task, other));
    bench.guest.vm.stop(StopReason::power_off);
    bench.sleep(0);
    CHECK(other.seen == nullptr);
    CHECK(other.gone);
}

TEST_CASE("who only tries to look takes nobody else's place", "[scheduler]") {
    TaskBench bench;
    Task& task = bench.wake(bench.add());
    bench.look(0);
    Look first;
    Look second;
    CHECK(bench.scheduler.try_observe(task, first));
    CHECK_FALSE(bench.scheduler.try_observe(task, second));
    bench.sleep(0);
    CHECK(first.seen == &task.vcpu);
    CHECK(second.seen == nullptr);
    CHECK(bench.scheduler.try_observe(task, second));
    CHECK(second.seen == &task.vcpu);  // it is asleep
}

TEST_CASE("who looks no longer is told nothing", "[scheduler]") {
    TaskBench bench;
    Task& task = bench.wake(bench.add());
    bench.look(0);
    Look look;
    Look other;
    CHECK(bench.scheduler.try_observe(task, look));
    bench.scheduler.stop_observing(other);  // is not to be shown anything
    CHECK_FALSE(bench.scheduler.try_observe(task, other));
    bench.scheduler.stop_observing(look);
    CHECK_FALSE(bench.scheduler.look(0, bench.now).is_over);
    bench.sleep(0);
    CHECK(look.seen == nullptr);
}

TEST_CASE("figures are up to date when they are settled", "[scheduler]") {
    TaskBench bench(2);
    Task& task = bench.wake(bench.add({.harts = 0b01}));
    bench.look(0);
    Task& waits = bench.wake(bench.add({.harts = 0b01}));
    bench.now += 70;
    bench.scheduler.settle(bench.now);
    CHECK(ran(task) == 70);
    CHECK(waits.waited == 70);
    CHECK(bench.scheduler.busy(0) == 70);
    CHECK(bench.scheduler.busy(1) == 0);
    bench.now += 5;
    bench.scheduler.settle(bench.now);
    CHECK(ran(task) == 75);
    CHECK(waits.waited == 75);
    bench.sleep(0);
    bench.look(0);
    CHECK(bench.running[0] == &waits);
    CHECK(waits.waited == 75);  // nothing is counted twice
    CHECK(bench.scheduler.busy(0) == 75);
}
