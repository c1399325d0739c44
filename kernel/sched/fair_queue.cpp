// SPDX-License-Identifier: MIT
#include "kernel/sched/fair_queue.hpp"

#include <algorithm>

namespace cairn {

void FairQueue::advance(std::uint64_t least) {
    if (!tasks_.empty()) least = std::min(least, tasks_.front().virtual_time);
    floor_ = std::max(floor_, least);
}

void FairQueue::add_awake(Task& task) {
    const std::uint64_t least = floor_ > bonus_ ? floor_ - bonus_ : 0;
    task.virtual_time = std::max(task.virtual_time, least);
    add(task);
}

/// Behind all that have as much or hardly more, so that equals take turns, whatever their turns
/// took to the tick.
void FairQueue::add(Task& task) {
    const std::uint64_t as_much = task.virtual_time + hardly_more();
    auto place = tasks_.end();
    while (place != tasks_.begin() && std::prev(place)->virtual_time > as_much)
        --place;
    tasks_.insert(place, task);
}

Task* FairQueue::first_for(std::size_t hart) {
    const auto may_run = [hart](const Task& task) {
        return (task.group.share().harts >> hart & 1) != 0;
    };
    const auto found = std::ranges::find_if(tasks_, may_run);
    return found == tasks_.end() ? nullptr : &*found;
}

void FairQueue::remove(Task& task) {
    floor_ = std::max(floor_, tasks_.front().virtual_time);
    task.unlink();
}

}  // namespace cairn
