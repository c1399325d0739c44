// SPDX-License-Identifier: MIT
// What keeps those apart who share a hart: translations, time, and what each is told of the others.
#include "kernel/sched/hart_loop.hpp"
#include "tests/unit/loop_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

LoopBench* bench = nullptr;  // for the fakes, which are functions without a context
unsigned entries = 0;

struct Sharing final : LoopBench {
    explicit Sharing(std::uint32_t cpus = 1) : LoopBench({}, cpus) {
        bench = this;
        entries = 0;
        for (std::uint32_t cpu = 1; cpu < cpus; ++cpu)
            GuestBench::run(cpu);
        vm.mark_away(cpus - 1);
        scheduler.set_rate(Scheduler::turns_per_second * 100);  // a turn is 100 ticks
    }
    void all_have_left(Vm& left) override {
        CHECK(csr_read<Csr::hgatp>() == 0);  // its table may go now
        LoopBench::all_have_left(left);
    }
};

void pass(std::uint64_t ticks) {
    csr_write<Csr::time>(csr_read<Csr::time>() + ticks);
}

}  // namespace

TEST_CASE("a hart forgets all translations before it runs a VM of a new generation of VMIDs",
          "[hart_sharing]") {
    Sharing loop;
    loop.vm.use_translation(0x8000'0000'0000'1000, {.number = 1, .generation = 7});
    fake_hart.guest = [](VcpuContext*) {
        CHECK(csr_read<Csr::hgatp>() == 0x8000'0000'0000'1000);
        CHECK(fake_hart.gvma_fences == 1);  // and not again when it comes back
        if (++entries == 2) return bench->stop();
        bench->vm.pause();
        bench->vm.note_pause(csr_read<Csr::time>());
    };
    fake_hart.on_wait = [] {
        CHECK(csr_read<Csr::hgatp>() == 0);
        REQUIRE(bench->vm.resume(csr_read<Csr::time>()));
    };
    loop.run();
    CHECK(entries == 2);
}

TEST_CASE("a guest that was paused finds its time where it left it", "[hart_sharing]") {
    Sharing loop;
    csr_write<Csr::time>(1000);
    static std::uint64_t left_at;
    fake_hart.guest = [](VcpuContext*) {
        const std::uint64_t time = csr_read<Csr::time>() + csr_read<Csr::htimedelta>();
        if (++entries == 2) {
            CHECK(time == left_at + 5);
            return bench->stop();
        }
        bench->vm.pause();
        bench->vm.note_pause(csr_read<Csr::time>());
        pass(40);  // until it is interrupted
        left_at = csr_read<Csr::time>();
    };
    fake_hart.on_wait = [] {
        pass(500);
        REQUIRE(bench->vm.resume(csr_read<Csr::time>()));
        CHECK(bench->vm.time_lag() == 500);
        pass(5);
    };
    loop.run();
    CHECK(entries == 2);
}

TEST_CASE("the host's timer ends the turn where another waits", "[hart_sharing]") {
    Sharing loop(2);
    csr_write<Csr::time>(1000);
    fake_hart.guest = [](VcpuContext* context) {
        CHECK(is_host_timer_armed(TimerUse::scheduler));
        const FakeSbiCall* last = nullptr;
        for (const FakeSbiCall& call : fake_sbi_calls)
            if (call.extension == SbiExtension::time) last = &call;
        REQUIRE(last != nullptr);
        CHECK(last->arguments[0] == csr_read<Csr::time>() + 100);
        if (++entries == 4) return bench->stop();
        pass(100);
        context->vcpu->leave_guest();
    };
    loop.vcpu().put_away();
    loop.run_all();
    CHECK(entries == 4);
}

TEST_CASE("a guest is told that it was preempted, and how long it waited", "[hart_sharing]") {
    Sharing loop(2);
    const GuestPhys at{GuestBench::ram_base + 0x40};
    REQUIRE(loop.call(SbiExtension::sta, SbiSta::steal_time_set_shmem, at.value, 0, 0) ==
            sbi_success());
    fake_hart.guest = [](VcpuContext* context) {
        const auto report = bench->vm.memory()
                                .load<StealTime::Report>(GuestPhys{GuestBench::ram_base + 0x40})
                                .value();
        const bool is_told = context->hart_id == 0;
        CHECK(report.preempted == (is_told ? 0 : 1));
        CHECK(report.steal == bench->scheduler.nanoseconds(100) * (entries / 2));
        if (++entries == 4) return bench->stop();
        pass(100);
        context->vcpu->leave_guest();
    };
    loop.vcpu().put_away();
    loop.run_all();
    CHECK(entries == 4);
}

TEST_CASE("a guest is not told what it waited before it wanted to know", "[hart_sharing]") {
    Sharing loop(2);
    static constexpr GuestPhys at{GuestBench::ram_base + 0x40};
    fake_hart.guest = [](VcpuContext* context) {
        if (entries == 2) {  // it has waited for a turn of the other one
            REQUIRE(bench->call(SbiExtension::sta, SbiSta::steal_time_set_shmem, at.value, 0, 0) ==
                    sbi_success());
        }
        if (entries++ == 4) {
            CHECK(bench->vm.memory().load<StealTime::Report>(at).value().steal ==
                  bench->scheduler.nanoseconds(100));
            return bench->stop();
        }
        pass(100);
        context->vcpu->leave_guest();
    };
    loop.vcpu().put_away();
    loop.run_all();
    CHECK(entries == 5);
}
