// SPDX-License-Identifier: MIT
// What a hart of the machine does as long as there are guests:
//
//     for ever:  serve the host's interrupts; do a piece of each work that is wanted
//                wake tasks that sleep here and have something to do
//                take a task, or sleep
//                bring its vCPU in ── enter its guest ──► exits ──► left:
//                   asleep?   put it away; it sleeps here from now on
//                   stopped?  it is retired
//                   its turn is over, and another waits?  put it away, give it back
//                   else      enter it again
//
// The hart's state stays the vCPU's as long as it is the hart's only one. One stack for each hart.
#pragma once

#include <cstddef>
#include <span>

#include "kernel/sched/host_work.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/vm/memory/vmid.hpp"

namespace cairn {

class HartLoop {
  public:
    /// For hart `number` of `scheduler`, and for `works`; all outlive it.
    HartLoop(Scheduler& scheduler, std::size_t number, std::span<HostWork* const> works = {})
        : scheduler_(scheduler), number_(number), works_(works) {}
    HartLoop(const HartLoop&) = delete;
    HartLoop& operator=(const HartLoop&) = delete;

    /// On that hart, until the scheduler is closed.
    void run();

  private:
    [[nodiscard]] bool serve_interrupts();
    struct Worked {
        bool any;            ///< so that there may be more at once
        std::uint64_t next;  ///< when some is wanted though nothing has come
    };
    [[nodiscard]] bool is_work_wanted() const;
    Worked do_work();
    /// Those who sleep here and have something to do; when the next will, as far as is known.
    [[nodiscard]] std::uint64_t wake_sleepers();
    void run(Task& task);
    void enter(Task& task);
    void put_to_sleep(Task& task);
    void retire(Task& task);

    Scheduler& scheduler_;
    std::size_t number_;
    std::span<HostWork* const> works_;
    intrusive_list<Task> sleepers_;
    VmidFlushes vmid_flushes_;
};

}  // namespace cairn
