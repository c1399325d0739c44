// SPDX-License-Identifier: MIT
// Harts that are threads: each runs the real HartLoop, on one Scheduler, with CSRs of its own
// (tests/fakes/). The vCPUs of a VM send each other IPIs and sleep for them, while somebody pauses
// the VM and lets it go on. A wake-up is lost where all harts sleep and none is interrupted; that
// is seen whatever the threads' speed.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "kernel/exit/handle_exit.hpp"
#include "kernel/sched/hart_loop.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t never = ~std::uint64_t{0};
constexpr std::uint64_t turn = 50;  // looks at a CSR, on any hart

struct World final : VmEnd {
    World(std::size_t harts, std::uint32_t vcpus)
        : guest({}, vcpus), group(guest.vm, {}, *this), interrupted(harts) {
        scheduler.set_rate(Scheduler::turns_per_second * turn);
        for (std::size_t hart = 0; hart < harts; ++hart)
            scheduler.add_hart(GuestBench::host_harts[hart]);
        for (std::uint32_t cpu = 1; cpu < vcpus; ++cpu) {
            guest.run(cpu);
            guest.vm.mark_away(cpu);
        }
        guest.vcpu().put_away();
        for (std::uint32_t cpu = 0; cpu < vcpus; ++cpu)
            tasks.emplace_back(guest.vm.vcpu(cpu), group);
    }
    virtual ~World() {
        for (Task& task : tasks)
            if (task.is_linked()) task.unlink();
    }
    void all_have_left(Vm&) override {
        has_ended = true;
        scheduler.close();
    }
    void interrupt(std::uint64_t hart) {
        if (hart >= interrupted.size()) return;
        const std::lock_guard guard(mutex);
        interrupted[hart] = 1;
        woken.notify_all();
    }
    bool take_interrupt(std::size_t hart) {
        const std::lock_guard guard(mutex);
        return std::exchange(interrupted[hart], 0) != 0;
    }
    /// Until the hart is interrupted. Nobody is left who could do it where all sleep.
    void sleep(std::size_t hart) {
        std::unique_lock guard(mutex);
        ++asleep;
        woken.notify_all();
        woken.wait(guard, [&] { return interrupted[hart] != 0 || nobody_wakes(); });
        const bool is_lost = interrupted[hart] == 0;
        if (!is_lost) --asleep;
        guard.unlock();
        if (!is_lost) return;
        was_lost = true;
        scheduler.close();
    }
    [[nodiscard]] bool nobody_wakes() const {
        return is_alone && asleep == interrupted.size() &&
               std::ranges::find(interrupted, 1) == interrupted.end();
    }
    void leave_alone() {
        const std::lock_guard guard(mutex);
        is_alone = true;
        woken.notify_all();
    }

    GuestBench guest;
    Scheduler scheduler;
    TaskGroup group;
    std::deque<Task> tasks;
    std::atomic<std::uint64_t> hops = 0, most_hops = 0;
    std::atomic<std::uint64_t> clock = 1, seen = 0;
    std::atomic<bool> was_lost = false, went_back = false, has_ended = false;

    std::mutex mutex;
    std::condition_variable woken;
    std::vector<std::uint8_t> interrupted;  ///< by hart: 1 until it is taken
    std::size_t asleep = 0;
    bool is_alone = false;  ///< nobody pauses the VM any more
};

World* world = nullptr;
thread_local std::size_t self = 0;
thread_local std::uint64_t deadline = never;  // of the host's timer

std::uint64_t& own(Csr csr) {
    return fake_csrs[static_cast<std::size_t>(csr)];
}

void call_firmware(const FakeSbiCall& call) {
    if (call.extension == SbiExtension::time) {
        deadline = call.arguments[0];
        own(Csr::sip) &= ~Sip::STIP::mask;
    }
    if (call.extension != SbiExtension::ipi) return;
    for (std::uint64_t left = call.arguments[0]; left != 0; left &= left - 1)
        world->interrupt(call.arguments[1] + static_cast<unsigned>(std::countr_zero(left)));
}

/// Time goes on, and what has come is pending.
void access_csr() {
    own(Csr::time) = ++world->clock;
    if (own(Csr::time) >= deadline) own(Csr::sip) |= Sip::STIP::mask;
    if (world->take_interrupt(self)) own(Csr::sip) |= Sip::SSIP::mask;
}

void wait() {
    if ((own(Csr::sip) & own(Csr::sie)) != 0) return;
    if (deadline == never || (own(Csr::sie) & Sip::STIP::mask) == 0) return world->sleep(self);
    while ((own(Csr::sip) & own(Csr::sie)) == 0) {
        access_csr();
        std::this_thread::yield();
    }
}

/// What the guest sees of time never goes back, on whichever vCPU.
void look_at_time() {
    const std::uint64_t before = world->seen;
    const std::uint64_t time = csr_read<Csr::time>() + csr_read<Csr::htimedelta>();
    if (time < before) world->went_back = true;
    std::uint64_t seen = before;
    while (seen < time && !world->seen.compare_exchange_weak(seen, time)) {
    }
}

/// A vCPU that has got an IPI sends one to the next; else it sleeps.
void run_guest(VcpuContext* context) {
    Vcpu& vcpu = *context->vcpu;
    const std::uint64_t pending = csr_read<Csr::sip>() & csr_read<Csr::sie>();
    if (Sip::SSIP::get(pending)) return handle_software_interrupt(vcpu);
    if (Sip::STIP::get(pending)) return handle_timer_interrupt(vcpu);
    look_at_time();
    csr_write<Csr::vsie>(Sip::SSIP::mask);
    if (!Hip::VSSIP::get(csr_read<Csr::hvip>())) return vcpu.wait_for_interrupt();
    csr_clear<Csr::hvip>(Hip::VSSIP::mask);
    if (++world->hops == world->most_hops) return vcpu.vm().stop(StopReason::power_off);
    const auto other = (context->hart_id + 1) % vcpu.vm().cpus();
    vcpu.vm().vcpu(static_cast<std::uint32_t>(other)).request(Request::software_interrupt);
}

void run_hart(std::size_t number) {
    self = number;
    deadline = never;
    own(Csr::sie) = Sip::SSIP::mask;
    fake_sbi_effect = call_firmware;
    fake_csr_access = access_csr;
    fake_hart.guest = run_guest;
    fake_hart.on_wait = wait;
    HartLoop(world->scheduler, number).run();
}

void pause_and_resume(unsigned rounds) {
    Vm& vm = world->guest.vm;
    for (; rounds > 0 && !world->was_lost && !vm.stopped(); --rounds) {
        vm.pause();
        vm.note_pause(++world->clock);
        std::this_thread::yield();
        while (!vm.resume(++world->clock) && !vm.stopped())
            std::this_thread::yield();
    }
}

void play(std::size_t harts, std::uint32_t vcpus, std::uint32_t tokens, unsigned pauses) {
    World all(harts, vcpus);
    world = &all;
    all.most_hops = 3000;
    all.group.begin(vcpus);
    for (std::uint32_t token = 0; token < tokens; ++token)
        all.guest.vm.vcpu(token).request(Request::software_interrupt);
    fake_sbi_effect = call_firmware;
    for (Task& task : all.tasks)
        all.scheduler.wake(task, 0);
    std::vector<std::thread> threads;
    for (std::size_t hart = 0; hart < harts; ++hart)
        threads.emplace_back(run_hart, hart);
    pause_and_resume(pauses);
    all.leave_alone();
    for (std::thread& thread : threads)
        thread.join();
    CHECK_FALSE(all.was_lost);
    CHECK_FALSE(all.went_back);
    CHECK(all.has_ended);
    CHECK(all.hops >= all.most_hops);
}

}  // namespace

TEST_CASE("no wake-up is lost between vCPUs on several harts", "[hart_loop_threads]") {
    play(2, 2, 1, 0);
    play(2, 5, 2, 0);
    play(4, 8, 3, 0);
}

TEST_CASE("nor where the VM is paused again and again, and time does not go back",
          "[hart_loop_threads]") {
    play(2, 3, 2, 300);
    play(3, 8, 4, 300);
}
