// SPDX-License-Identifier: MIT
#include "kernel/sched/fair_queue.hpp"

#include "tests/unit/task_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

struct Queue : TaskBench {
    Task& add_with(std::uint64_t virtual_time, const Share& share = {}) {
        Task& task = TaskBench::add(share);
        task.virtual_time = virtual_time;
        queue.add(task);
        return task;
    }
    Task* take(std::size_t hart = 0) {
        Task* const task = queue.first_for(hart);
        if (task != nullptr) queue.remove(*task);
        return task;
    }

    FairQueue queue{50};
};

}  // namespace

TEST_CASE("whoever has had least comes first, and equals in their order", "[fair_queue]") {
    Queue bench;
    Task& much = bench.add_with(300);
    Task& little = bench.add_with(100);
    Task& first = bench.add_with(200);
    Task& second = bench.add_with(200);
    CHECK(bench.take() == &little);
    CHECK(bench.take() == &first);
    CHECK(bench.take() == &second);
    CHECK(bench.take() == &much);
    CHECK(bench.take() == nullptr);
    CHECK(bench.queue.empty());
}

TEST_CASE("a hart gets the first that may run there", "[fair_queue]") {
    Queue bench;
    Task& elsewhere = bench.add_with(100, {.harts = 0b10});
    Task& anywhere = bench.add_with(200);
    CHECK(bench.queue.first_for(0) == &anywhere);
    CHECK(bench.queue.first_for(1) == &elsewhere);
    CHECK(bench.queue.first_for(63) == &anywhere);
    CHECK(bench.take() == &anywhere);
    CHECK(bench.take() == nullptr);
    CHECK_FALSE(bench.queue.empty());
}

TEST_CASE("who has slept begins where the queue is, and a bonus before it", "[fair_queue]") {
    Queue bench;
    (void)bench.add_with(1000);
    REQUIRE(bench.take() != nullptr);  // the queue is at 1000
    Task& slept = bench.add();
    bench.queue.add_awake(slept);
    CHECK(slept.virtual_time == 950);
    Task& has_run = bench.add();
    has_run.virtual_time = 2000;
    bench.queue.add_awake(has_run);
    CHECK(has_run.virtual_time == 2000);
    CHECK(bench.take() == &slept);
}

TEST_CASE("the queue does not go back", "[fair_queue]") {
    Queue bench;
    (void)bench.add_with(1000);
    REQUIRE(bench.take() != nullptr);
    (void)bench.add_with(10);
    REQUIRE(bench.take() != nullptr);
    Task& slept = bench.add();
    bench.queue.add_awake(slept);
    CHECK(slept.virtual_time == 950);
}

TEST_CASE("virtual time runs by weight, in large pieces and in small ones", "[fair_queue]") {
    for (const std::uint64_t piece : {1000u, 10u, 1u}) {
        const auto paid = [piece](std::uint32_t weight) {
            TaskBench bench;
            Task& task = bench.add({.weight = weight});
            for (std::uint64_t ticks = 0; ticks < 1000; ticks += piece)
                pay(task, piece);
            return task.virtual_time;
        };
        CHECK(paid(Share::usual_weight) == 1000);
        CHECK(paid(200) == 500);
        CHECK(paid(1) == 100'000);
        CHECK(paid(10'000) == 10);
    }
}
