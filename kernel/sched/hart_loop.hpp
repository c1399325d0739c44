// SPDX-License-Identifier: MIT
// What a hart of the machine does as long as there are guests:
//
//     for ever:  serve the host's interrupts
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

#include "kernel/sched/scheduler.hpp"
#include "kernel/vm/vmid.hpp"

namespace cairn {

/// What harts do between guests beside running them. Whoever wants it done has a hart leave its
/// guest.
class HostWork {
  public:
    [[nodiscard]] virtual bool is_wanted() const = 0;
    /// Some of it, on the hart at hand; another hart may be at it already.
    virtual void run() = 0;
    /// When, by `time`, it is wanted though nothing has come; all ones: never. The hart that ran
    /// some of it is awake by then.
    [[nodiscard]] virtual std::uint64_t deadline() const { return ~std::uint64_t{0}; }

  protected:
    ~HostWork() = default;
};

class HartLoop {
  public:
    /// For hart `number` of `scheduler`. Both outlive it.
    HartLoop(Scheduler& scheduler, std::size_t number, HostWork* work = nullptr)
        : scheduler_(scheduler), number_(number), work_(work) {}
    HartLoop(const HartLoop&) = delete;
    HartLoop& operator=(const HartLoop&) = delete;

    /// On that hart, until the scheduler is closed.
    void run();

  private:
    [[nodiscard]] bool serve_interrupts();
    /// When there is more of it.
    std::uint64_t do_work();
    /// Those who sleep here and have something to do; when the next will, as far as is known.
    [[nodiscard]] std::uint64_t wake_sleepers();
    void run(Task& task);
    void enter(Task& task);
    void put_to_sleep(Task& task);
    void retire(Task& task);

    Scheduler& scheduler_;
    std::size_t number_;
    HostWork* work_;
    intrusive_list<Task> sleepers_;
    VmidFlushes vmid_flushes_;
};

}  // namespace cairn
