// SPDX-License-Identifier: MIT
// What a hart of the machine does as long as there are guests:
//
//     for ever:  serve the host's interrupts; do a piece of each work that is wanted
//                wake tasks that sleep here and have something to do
//                take a task, or sleep
//         run:   bring its vCPU in ── enter its guest ──► exits ──► left:
//                   stopped?  it is retired
//                   asleep?   put it away; it sleeps here from now on
//                   its turn is over, and another waits?  put it away; it waits for its next
//                   else      enter it again
//                run what comes next, where nothing else has come meanwhile
//
// The hart's state stays the vCPU's as long as it is the hart's only one. One stack for each hart.
//
// Shaped for: "- where others sleep on both harts, with an SSWI".
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
    static constexpr std::uint64_t never = ~std::uint64_t{0};

    [[nodiscard]] bool serve_interrupts();
    struct Worked {
        bool any = false;            ///< so that there may be more at once
        bool more = false;           ///< is wanted already
        std::uint64_t next = never;  ///< when some is wanted though nothing has come
    };
    Worked do_work();
    [[gnu::noinline]] Worked do_pieces();
    /// What the hart has to look after beside the task that it runs.
    struct Others {
        Worked worked;
        std::uint64_t wakes = never;  ///< when one that sleeps here does
    };
    Others look_after_others();
    /// Those who sleep here and have something to do; when the next will, as far as is known.
    [[nodiscard]] std::uint64_t wake_sleepers();
    [[nodiscard]] static bool has_come(const Others& others);
    [[nodiscard]] Scheduler::Next run(const Scheduler::Next& turn, Others& others);
    [[nodiscard]] Scheduler::Next enter(const Scheduler::Next& turn, Others& others);
    void share_hart(Vcpu& vcpu, const Others& others, std::uint64_t end);
    static void take_out(Vcpu& vcpu);
    [[nodiscard]] Scheduler::Next put_to_sleep(Task& task, bool are_looked_after, Others& others);
    [[nodiscard]] Scheduler::Next retire(Task& task);

    Scheduler& scheduler_;
    std::size_t number_;
    std::span<HostWork* const> works_;
    intrusive_list<Task> sleepers_;
    VmidFlushes vmid_flushes_;
};

}  // namespace cairn
