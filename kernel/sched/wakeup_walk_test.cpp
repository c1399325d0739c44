// SPDX-License-Identifier: MIT
// Another hart asks something while a hart runs a vCPU, brings it to sleep, or finds nothing and
// sleeps itself: at each of its accesses of a CSR in turn, on the real HartLoop. Whenever it comes,
// the hart does not sleep over it.
#include "kernel/exit/handle_exit.hpp"
#include "kernel/sched/hart_loop.hpp"
#include "tests/unit/loop_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

LoopBench* bench = nullptr;  // for the fakes, which are functions without a context
unsigned entries = 0;
std::vector<bool (*)()> asks;     // what other harts do, one after the other
std::vector<std::size_t> delays;  // after how many accesses
std::size_t next = 0;             // of both
std::size_t accesses = 0;         // since the last
bool was_lost = false;

/// An IPI of the machine. There is one hart.
void deliver(const FakeSbiCall& call) {
    if (call.extension == SbiExtension::ipi)
        fake_csrs[static_cast<std::size_t>(Csr::sip)] |= Sip::SSIP::mask;
}

/// On another hart, where nothing of this VM lies.
void ask_now() {
    const auto csr_access = std::exchange(fake_csr_access, [] {});
    Vcpu* const here = std::exchange(loaded_vcpu, nullptr);
    if (asks[next]()) {
        ++next;
        accesses = 0;
    }
    loaded_vcpu = here;
    fake_csr_access = csr_access;
}

void come_in_between() {
    if (next < asks.size() && accesses++ >= delays[next]) ask_now();
}

/// What is asked by then ends the hart's sleep; where all is, nothing else would.
void sleep() {
    while (next < asks.size())
        ask_now();
    const auto sip = fake_csrs[static_cast<std::size_t>(Csr::sip)];
    if (Sip::SSIP::get(sip)) return;
    was_lost = true;
    bench->scheduler.close();
}

/// The machine's interrupts leave the guest before anything else.
bool is_interrupted(VcpuContext* context) {
    if (!Sip::SSIP::get(csr_read<Csr::sip>())) return false;
    handle_software_interrupt(*context->vcpu);
    return true;
}

struct Walk final : LoopBench {
    explicit Walk(void (*guest)(VcpuContext*)) : LoopBench({}, 2) {
        bench = this;
        entries = 0;
        next = 0;
        accesses = 0;
        was_lost = false;
        GuestBench::run(1);
        vm.mark_away(1);
        fake_sbi_effect = deliver;
        fake_hart.on_wait = sleep;
        fake_hart.guest = guest;
    }
    void play() {
        group.begin(1);
        vcpu().put_away();
        scheduler.wake(tasks[0], 0);
        fake_csr_access = come_in_between;
        loop.run();
        fake_csr_access = [] {};
    }
};

/// Plays all delays of what `others` do, up to the hart's sleep. Returns how many.
std::size_t walk(void (*guest)(VcpuContext*), std::vector<bool (*)()> others) {
    constexpr std::size_t most = 400;  // accesses until the hart sleeps, and more
    asks = std::move(others);
    delays.assign(asks.size(), 0);
    std::size_t played = 0;
    for (bool goes_on = true; goes_on; ++played) {
        Walk bench_of_now(guest);
        bench_of_now.play();
        CAPTURE(delays);
        REQUIRE_FALSE(was_lost);
        REQUIRE(bench_of_now.has_ended);
        goes_on = false;
        for (std::size_t& delay : delays) {
            if ((goes_on = ++delay < most / (asks.size() * asks.size()))) break;
            delay = 0;
        }
    }
    return played;
}

void wait_once(VcpuContext* context) {
    if (is_interrupted(context)) return;
    csr_write<Csr::vsie>(Sip::SSIP::mask);
    if (Hip::VSSIP::get(csr_read<Csr::hvip>())) return bench->stop();
    context->vcpu->wait_for_interrupt();
}

}  // namespace

TEST_CASE("an IPI of the guest wakes a vCPU that goes to sleep, whenever it comes",
          "[wakeup_walk]") {
    CHECK(walk(wait_once, {[] {
                   bench->vcpu().request(Request::software_interrupt);
                   return true;
               }}) == 400);
}

TEST_CASE("a hart of the guest that stops can be started at once", "[wakeup_walk]") {
    CHECK(walk(
              [](VcpuContext* context) {
                  if (is_interrupted(context)) return;
                  if (context->pc == GuestBench::entry + 0x40) return bench->stop();
                  bench->ecall(static_cast<std::uint64_t>(SbiExtension::hsm), 1);  // stops it
              },
              {[] {
                  if (!bench->vm.harts().start(0, {.address = GuestBench::entry + 0x40}))
                      return false;
                  bench->vcpu().request(Request::look);
                  return true;
              }}) == 400);
}

TEST_CASE("a VM that is stopped ends, whatever its vCPU does", "[wakeup_walk]") {
    CHECK(walk(
              [](VcpuContext* context) {
                  if (!is_interrupted(context)) context->vcpu->wait_for_interrupt();
              },
              {[] {
                  bench->vm.stop(StopReason::unplugged);
                  return true;
              }}) == 400);
}

TEST_CASE("a VM that is paused and goes on runs again, whenever both come", "[wakeup_walk]") {
    CHECK(walk(
              [](VcpuContext* context) {
                  if (is_interrupted(context)) return;
                  if (next == 2) bench->stop();
              },
              {[] {
                   bench->vm.pause();
                   bench->vm.note_pause(0);
                   return true;
               },
               [] { return bench->vm.resume(0); }}) == 100 * 100);
}

TEST_CASE("a task that another hart wakes is run, whatever this one does", "[wakeup_walk]") {
    CHECK(walk(
              [](VcpuContext* context) {
                  if (is_interrupted(context)) return;
                  if (context == &bench->vm.vcpu(1).context) return bench->stop();
                  context->vcpu->wait_for_interrupt();
              },
              {[] {
                  bench->group.begin(2);
                  bench->scheduler.wake(bench->tasks[1], 0);
                  return true;
              }}) == 400);
}
