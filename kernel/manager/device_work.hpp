// SPDX-License-Identifier: MIT
// What devices have not done within their guests' notifications, as work between guests.
#pragma once

#include "kernel/sched/host_work.hpp"
#include "kernel/vm/virtio/device_tasks.hpp"

namespace cairn {

class DeviceWork final : public HostWork {
  public:
    /// `tasks` outlive it.
    constexpr explicit DeviceWork(DeviceTasks& tasks) : tasks_(tasks) {}

    static_assert(DeviceTasks::at_once == at_once && DeviceTasks::when_asked == when_asked);
    [[nodiscard]] std::uint64_t due() const override { return tasks_.due(); }
    bool run() override { return tasks_.do_some(); }

  private:
    DeviceTasks& tasks_;
};

}  // namespace cairn
