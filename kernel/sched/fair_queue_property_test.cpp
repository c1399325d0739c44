// SPDX-License-Identifier: MIT
// Histories of the queue beside a model: a row of numbers that is walked from its front.
#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "kernel/sched/fair_queue.hpp"
#include "tests/unit/task_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t bonus = 80, hardly_more = 10;  // an eighth

struct Model {
    std::vector<const Task*> row;
    std::uint64_t floor = 0;

    void add(const Task& task) {
        std::size_t place = 0;
        for (std::size_t n = 0; n < row.size(); ++n)
            if (row[n]->virtual_time <= task.virtual_time + hardly_more) place = n + 1;
        row.insert(row.begin() + static_cast<std::ptrdiff_t>(place), &task);
    }
    [[nodiscard]] std::uint64_t least_awake() const { return floor > bonus ? floor - bonus : 0; }
    void advance(std::uint64_t least) {
        if (!row.empty()) least = std::min(least, row.front()->virtual_time);
        floor = std::max(floor, least);
    }
    [[nodiscard]] const Task* first_for(std::size_t hart) const {
        for (const Task* task : row)
            if ((task->group.share().harts >> hart & 1) != 0) return task;
        return nullptr;
    }
    void remove(const Task& task) {
        floor = std::max(floor, row.front()->virtual_time);
        row.erase(std::ranges::find(row, &task));
    }
};

void check_same(FairQueue& queue, const Model& model) {
    std::vector<const Task*> found;
    for (const Task& task : queue)
        found.push_back(&task);
    RC_ASSERT(found == model.row);
    RC_ASSERT(queue.empty() == model.row.empty());
    for (std::size_t hart = 0; hart < 3; ++hart)
        RC_ASSERT(queue.first_for(hart) == model.first_for(hart));
}

void step(FairQueue& queue, Model& model, Task& task) {
    const auto some = *rc::gen::inRange<std::uint64_t>(0, 150);
    const bool sleeps = !task.is_linked();
    switch (*rc::gen::inRange(0, 4)) {
        case 0:
            if (!sleeps) return;
            task.virtual_time += some;  // a turn of it
            queue.add(task);
            return model.add(task);
        case 1: {
            if (!sleeps) return;
            const std::uint64_t expected = std::max(task.virtual_time, model.least_awake());
            queue.add_awake(task);
            RC_ASSERT(task.virtual_time == expected);
            return model.add(task);
        }
        case 2: {
            Task* const first = queue.first_for(some % 3);
            if (first == nullptr) return;
            model.remove(*first);
            return queue.remove(*first);
        }
        default: queue.advance(model.floor + some); return model.advance(model.floor + some);
    }
}

}  // namespace

TEST_CASE("any history of the queue is the model's", "[fair_queue_property]") {
    CHECK(rc::check("against a row of numbers", [] {
        TaskBench bench;
        for (std::uint32_t task = 0; task < TaskBench::most_tasks; ++task)
            bench.add({.harts = *rc::gen::inRange<HostHarts>(1, 8)});
        FairQueue queue(bonus);
        Model model;
        for (auto steps = *rc::gen::inRange(0, 150); steps > 0; --steps) {
            step(queue, model,
                 bench.tasks[*rc::gen::inRange<std::size_t>(0, TaskBench::most_tasks)]);
            check_same(queue, model);
        }
        while (!queue.empty())
            queue.remove(*queue.begin());
    }));
}
