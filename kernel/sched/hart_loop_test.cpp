// SPDX-License-Identifier: MIT
// What a hart does with a vCPU, by what its guest calls for: when it sleeps, and what ends that.
#include "kernel/sched/hart_loop.hpp"

#include "kernel/exit/handle_exit.hpp"
#include "kernel/host/cpu/host_timer.hpp"
#include "tests/unit/loop_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t resume_at = GuestBench::ram_base + 0x1000;
constexpr std::uint64_t opaque = 0x1122'3344'5566'7788;
LoopBench* bench = nullptr;  // for the fakes, which are functions without a context
unsigned entries = 0;

struct Loop final : LoopBench {
    explicit Loop(const GuestFeatures& features = {}, std::uint32_t cpus = 1)
        : LoopBench(features, cpus) {
        bench = this;
        entries = 0;
        fake_hart.on_wait = [] { FAIL("nobody is to sleep"); };
        fake_hart.guest = [](VcpuContext*) { bench->stop(); };
    }
    void suspend() { ecall(static_cast<std::uint64_t>(SbiExtension::hsm), 3, 0u, 0u, 0u); }
    void stop_hart() { ecall(static_cast<std::uint64_t>(SbiExtension::hsm), 1); }
};

}  // namespace

TEST_CASE("a guest that waits for nothing is entered again until its VM is stopped",
          "[hart_loop]") {
    Loop loop;
    fake_hart.guest = [](VcpuContext*) {
        CHECK(!bench->vcpu().leaves_guest());
        CHECK(bench->vcpu().is_here());
        CHECK(!bench->vcpu().shares_hart());
        if (++entries == 3) bench->stop();
    };
    loop.run();
    CHECK(entries == 3);
    CHECK(loop.has_ended);
    CHECK(loaded_vcpu == nullptr);
    CHECK(csr_read<Csr::hgatp>() == 0);
}

TEST_CASE("a vCPU whose exits are watched meanwhile is entered so, and what they took ends there",
          "[hart_loop]") {
    Loop loop;
    static VmMemory::VmHeap heap(kernel_heap(), "traces", std::size_t{64} << 10);
    (void)loop.vcpu().exit_trace().turn_on(ExitTrace::take_room(heap, 4).value());
    fake_hart.guest = [](VcpuContext* context) {
        const auto path = [&](ExitPath expected) {
            CHECK(context->exit_entry == guest_exit_entry(expected));
        };
        Vcpu& vcpu = bench->vcpu();
        switch (++entries) {
            case 1: path(ExitPath::answering); return vcpu.watch_exits(true);
            case 2:
            case 3:
                path(ExitPath::watched);
                CHECK(vcpu.exit_trace().extent().end == entries - 2);
                vcpu.exit_trace().add({.time = csr_read<Csr::time>(), .left = true});
                csr_write<Csr::time>(csr_read<Csr::time>() + 30);
                return vcpu.leave_guest();
            case 4:
                path(ExitPath::watched);
                CHECK(vcpu.exit_trace().at(0)->ticks == 30);
                CHECK(vcpu.exit_trace().at(1)->ticks == 30);
                return vcpu.watch_exits(false);
            default: path(ExitPath::answering); bench->stop();
        }
    };
    loop.run();
    CHECK(entries == 5);
}

TEST_CASE("a VM that was stopped is not entered", "[hart_loop]") {
    Loop loop;
    fake_hart.guest = [](VcpuContext*) { ++entries; };
    loop.stop();
    loop.run();
    CHECK(entries == 0);
    CHECK(loop.has_ended);
}

TEST_CASE("a suspended hart sleeps, and goes on as it was", "[hart_loop]") {
    Loop loop;
    csr_write<Csr::vsatp>(0x8000'0000'0008'0000);
    csr_write<Csr::vsstatus>(Sstatus::SIE::mask);
    csr_write<Csr::vsie>(Sip::STIP::mask);
    loop.suspend();
    fake_hart.on_wait = [] {
        CHECK(bench->vm.harts().state(0) == SbiHartState::suspended);
        CHECK(loaded_vcpu == nullptr);
        CHECK(bench->vm.loaded() == 0);
        CHECK(csr_read<Csr::vsatp>() == 0);  // the hart that sleeps is nobody's
        csr_write<Csr::time>(~std::uint64_t{0});
    };
    fake_hart.guest = [](VcpuContext*) {
        CHECK(bench->vm.harts().state(0) == SbiHartState::started);
        CHECK(bench->vm.loaded() == 1);
        CHECK(csr_read<Csr::vsatp>() == 0x8000'0000'0008'0000);
        CHECK(csr_read<Csr::vsstatus>() == Sstatus::SIE::mask);
        CHECK(fake_hart.vvma_fences == 1);  // of what others passed over meanwhile
        CHECK(fake_hart.instruction_fences == 1);
        bench->stop();
    };
    loop.run();
    CHECK(fake_hart.waits == 1);
}

TEST_CASE("a hart that was started begins where it was told, with its id and the opaque value",
          "[hart_loop]") {
    Loop loop({}, 3);
    REQUIRE(loop.vm.harts().start(2, {.address = resume_at, .opaque = opaque}));
    loop.vm.vcpu(2).request(Request::software_interrupt);  // of before it begins
    loop.vcpu().put_away();
    fake_hart.guest = [](VcpuContext* context) {
        CHECK(context->pc == resume_at);
        CHECK(context->x[10] == 2);
        CHECK(context->x[11] == opaque);
        CHECK(csr_read<Csr::hvip>() == 0);
        CHECK(!bench->vm.vcpu(2).is_asked());
        CHECK(bench->vm.harts().state(2) == SbiHartState::started);
        bench->stop();
    };
    loop.run(2);
}

TEST_CASE("a stopped hart sleeps until another starts it, and finds nothing of before",
          "[hart_loop]") {
    Loop loop({}, 2);
    loop.GuestBench::run(1);
    loop.x().fill(7);
    loop.stop_hart();
    fake_hart.on_wait = [] {
        CHECK(bench->vm.harts().state(0) == SbiHartState::stopped);
        CHECK(bench->vm.harts().start(0, {.address = resume_at, .opaque = opaque}));
    };
    fake_hart.guest = [](VcpuContext* context) {
        Registers expected{};  // a0 is the hart's id, 0
        expected[11] = opaque;
        CHECK(context->x == expected);
        CHECK(context->pc == resume_at);
        bench->stop();
    };
    loop.run();
    CHECK(fake_hart.waits == 1);
}

TEST_CASE("a hart that is started again while it stops begins anew", "[hart_loop]") {
    Loop loop({}, 2);
    loop.GuestBench::run(1);
    fake_hart.guest = [](VcpuContext* context) {
        if (++entries == 1) {
            bench->ecall(static_cast<std::uint64_t>(SbiExtension::hsm), 1);
            REQUIRE(bench->vm.harts().start(0, {.address = resume_at, .opaque = opaque}));
            return;
        }
        CHECK(context->pc == resume_at);
        CHECK(context->x[11] == opaque);
        bench->stop();
    };
    loop.run();
    CHECK(entries == 2);
}

TEST_CASE("a stopped hart serves what comes, and is gone when the VM stops", "[hart_loop]") {
    Loop loop({}, 2);
    loop.GuestBench::run(1);
    loop.stop_hart();
    fake_hart.on_wait = [] {
        CHECK(!bench->vcpu().is_asked());
        csr_set<Csr::sip>(Sip::SSIP::mask);
        if (fake_hart.waits == 1) return bench->vcpu().request(Request::look);
        CHECK((csr_read<Csr::sip>() & Sip::SSIP::mask) != 0);
        bench->stop();
    };
    loop.run();
    CHECK(fake_hart.waits == 2);
    CHECK(loop.has_ended);
}

TEST_CASE("only an interrupt that the guest has enabled ends its sleep", "[hart_loop]") {
    for (const bool in_wfi : {true, false}) {
        Loop loop;
        csr_write<Csr::vsie>(Sip::SEIP::mask);
        csr_write<Csr::vsscratch>(77);
        if (in_wfi) {
            loop.vcpu().wait_for_interrupt();
        } else {
            loop.suspend();
        }
        fake_hart.on_wait = [] {
            csr_set<Csr::sip>(Sip::SSIP::mask);
            Vcpu& vcpu = bench->vcpu();
            if (fake_hart.waits < 3) return vcpu.request(Request::software_interrupt);
            vcpu.external_interrupt().set(true);
        };
        fake_hart.guest = [](VcpuContext*) {
            CHECK(csr_read<Csr::vsscratch>() == 77);
            CHECK(csr_read<Csr::hvip>() == (Hip::VSSIP::mask | Hip::VSEIP::mask));
            CHECK(!bench->vcpu().waits_for_interrupt());
            bench->stop();
        };
        loop.run();
        CHECK(fake_hart.waits == 3);
    }
}

TEST_CASE("a deadline ends a suspension, with Sstc or without", "[hart_loop]") {
    for (const bool sstc : {true, false}) {
        Loop loop(GuestFeatures{.sstc = sstc});
        csr_write<Csr::vsie>(Sip::STIP::mask);
        loop.call(SbiExtension::time, SbiTime::set_timer, 5000);
        loop.suspend();
        fake_hart.on_wait = [] {
            CHECK((csr_read<Csr::sie>() & Sip::STIP::mask) != 0);  // the host's timer
            CHECK(fake_sbi_calls.back() == FakeSbiCall{SbiExtension::time, 0, {5000}});
            csr_write<Csr::time>(fake_hart.waits < 3 ? 4999 : 5000);
        };
        fake_hart.guest = [](VcpuContext*) { bench->stop(); };
        loop.run();
        CHECK(fake_hart.waits == 3);
    }
}

TEST_CASE("who has asked for a fence is entered again when all have fenced", "[hart_loop]") {
    Loop loop({}, 3);
    loop.GuestBench::run(1);
    loop.GuestBench::run(2);
    fake_sbi_effect = [](const FakeSbiCall& call) {
        if (call.extension != SbiExtension::ipi) return;
        bench->answer_on(1);
        bench->answer_on(2);
    };
    loop.work.pieces = 10;
    static unsigned looks;
    fake_hart.guest = [](VcpuContext*) {
        if (++entries == 2) {
            CHECK(bench->work.looks == looks);  // a fence alone asks for no look at others
            return bench->stop();
        }
        looks = bench->work.looks;
        bench->call(SbiExtension::rfence, SbiRfence::remote_fence_i, 6, 0);
        CHECK(bench->vcpu().is_fence_done());
    };
    loop.run();
    CHECK(entries == 2);
    CHECK(fake_hart.instruction_fences == 3);
}

TEST_CASE("a target that was put away before it fenced is not waited for", "[hart_loop]") {
    Loop loop({}, 2);
    loop.GuestBench::run(1);
    Vcpu& target = loop.vm.vcpu(1);
    loop.call(SbiExtension::rfence, SbiRfence::remote_fence_i, 2, 0);
    CHECK(!loop.vcpu().is_fence_done());
    loaded_vcpu = &target;
    target.drop();
    loaded_vcpu = &loop.vcpu();
    CHECK(loop.vcpu().is_fence_done());
    CHECK(target.fence_mail().take() == 0);  // taken back
    CHECK(fake_hart.instruction_fences == 0);
}

TEST_CASE("a target that is loaded again answers by forgetting everything", "[hart_loop]") {
    Loop loop({}, 2);
    loop.GuestBench::run(1);
    Vcpu& target = loop.vm.vcpu(1);
    loop.call(SbiExtension::rfence, SbiRfence::remote_fence_i, 2, 0);
    loaded_vcpu = &target;
    target.put_away();
    target.load();
    loaded_vcpu = &loop.vcpu();
    CHECK(loop.vcpu().fence_mail().all_have_fenced());
    CHECK(fake_hart.instruction_fences == 1);
    CHECK(fake_hart.vvma_fences == 1);
}

TEST_CASE("two that want the hart take turns, each with its own state", "[hart_loop]") {
    Loop loop({}, 2);
    loop.GuestBench::run(1);
    loop.vcpu().put_away();
    loop.scheduler.set_rate(Scheduler::turns_per_second * 100);  // a turn is 100 ticks
    static std::array<unsigned, 2> turns;
    turns = {};
    fake_hart.guest = [](VcpuContext* context) {
        const std::uint64_t hart = context->hart_id;
        CHECK(bench->vm.vcpu(static_cast<std::uint32_t>(hart)).shares_hart());
        CHECK(csr_read<Csr::vsscratch>() == turns.at(hart));
        csr_write<Csr::vsscratch>(++turns.at(hart));
        csr_write<Csr::time>(csr_read<Csr::time>() + 100);
        bench->vm.vcpu(static_cast<std::uint32_t>(hart)).leave_guest();
        if (turns[0] + turns[1] == 20) bench->stop();
    };
    loop.run_all();
    CHECK(turns == std::array{10u, 10u});
}

TEST_CASE("who sleeps gives the hart to the other, and gets it back when there is work",
          "[hart_loop]") {
    Loop loop({}, 2);
    loop.GuestBench::run(1);
    loop.vcpu().put_away();
    static std::string story;
    story.clear();
    fake_hart.guest = [](VcpuContext* context) {
        Vcpu& vcpu = bench->vm.vcpu(context->hart_id);
        story += context->hart_id == 0 ? 'a' : 'b';
        csr_write<Csr::vsie>(Sip::SSIP::mask);
        if (story == "a") {
            CHECK(vcpu.yields_at_wfi());
            return vcpu.wait_for_interrupt();
        }
        if (story == "ab") {
            CHECK(vcpu.shares_hart());
            CHECK(!vcpu.yields_at_wfi());  // who sleeps does not want the hart
            bench->vcpu().request(Request::software_interrupt);  // rings at a hart that is its own
            csr_set<Csr::sip>(Sip::SSIP::mask);
            handle_software_interrupt(vcpu);
            return vcpu.wait_for_interrupt();
        }
        CHECK(csr_read<Csr::hvip>() == Hip::VSSIP::mask);
        bench->stop();
    };
    loop.run_all();
    CHECK(story == "aba");
}

TEST_CASE("a look at one that sleeps leaves the hart's interrupt, which may be for another",
          "[hart_loop]") {
    Loop loop({}, 2);
    loop.GuestBench::run(1);
    loop.vcpu().put_away();
    loop.vm.vcpu(1).request(Request::software_interrupt);
    csr_set<Csr::sip>(Sip::SSIP::mask);
    loop.vm.vcpu(1).answer_away();
    CHECK(!loop.vm.vcpu(1).is_asked());
    CHECK((csr_read<Csr::sip>() & Sip::SSIP::mask) != 0);
}

TEST_CASE("a hart without a task does all the work before it sleeps", "[hart_loop]") {
    Loop loop;
    loop.work.pieces = 3;
    fake_hart.on_wait = [] {
        CHECK(bench->work.pieces == 0);
        bench->scheduler.close();
    };
    loop.loop.run();
    CHECK(loop.work.looks == 3);
    CHECK(fake_hart.waits == 1);
    loop.has_ended = true;
}

TEST_CASE("a hart sleeps while another is at the work", "[hart_loop]") {
    Loop loop;
    loop.work.pieces = 3;
    loop.work.is_elsewhere = true;
    fake_hart.on_wait = [] { bench->scheduler.close(); };
    loop.loop.run();
    CHECK(loop.work.looks == 1);
    CHECK(fake_hart.waits == 1);
    loop.has_ended = true;
}

TEST_CASE("work that goes on has its turns like another task", "[hart_loop]") {
    Loop loop;
    loop.scheduler.set_rate(200 * 1000);
    loop.work.pieces = 3;
    csr_write<Csr::time>(5000);
    fake_hart.guest = [](VcpuContext*) {
        if (++entries == 4) {
            CHECK(!bench->vcpu().shares_hart());
            return bench->stop();
        }
        bench->vcpu().leave_guest();
        const bool goes_on = bench->work.pieces != 0;
        CHECK(bench->vcpu().shares_hart() == goes_on);
        CHECK(is_host_timer_armed(TimerUse::scheduler) == goes_on);
    };
    loop.run();
    CHECK(loop.work.pieces == 0);
}

namespace {

/// Work that is wanted at a time.
struct TimedWork final : HostWork {
    [[nodiscard]] std::uint64_t due() const override { return at; }
    bool run() override {
        ++runs;
        at = when_asked;
        return true;
    }

    std::uint64_t at = 5000;
    unsigned runs = 0;
};
TimedWork* timed_work = nullptr;

}  // namespace

TEST_CASE("a hart leaves its guest for work that has a time", "[hart_loop]") {
    Loop loop;
    TimedWork work;
    timed_work = &work;
    const std::array<HostWork*, 1> works{&work};
    HartLoop with_work(loop.scheduler, 0, works);
    fake_hart.guest = [](VcpuContext*) {
        if (++entries == 1) {
            CHECK(is_host_timer_armed(TimerUse::scheduler));
            CHECK(bench->vcpu().shares_hart());  // else the world switch would answer its timer
            CHECK(timed_work->runs == 0);
            csr_write<Csr::time>(5000);
            bench->vcpu().leave_guest();
        } else {
            CHECK(timed_work->runs == 1);
            CHECK_FALSE(is_host_timer_armed(TimerUse::scheduler));
            CHECK_FALSE(bench->vcpu().shares_hart());
            bench->stop();
        }
    };
    loop.group.begin(1);
    if (loop.vcpu().is_here()) loop.vcpu().put_away();
    loop.scheduler.wake(loop.tasks[0], 0);
    with_work.run();
    CHECK(entries == 2);
}

TEST_CASE("who sleeps and is woken in the exit in which another falls asleep is not passed over",
          "[hart_loop]") {
    Loop loop({}, 3);
    for (const std::uint32_t cpu : {1u, 2u})
        loop.GuestBench::run(cpu);
    loop.vcpu().put_away();
    fake_hart.guest = [](VcpuContext* context) {
        Vcpu& vcpu = *context->vcpu;
        switch (context->hart_id) {
            case 0:
                if (++entries == 2) return bench->stop();
                csr_write<Csr::vsie>(Sip::SSIP::mask);
                return vcpu.wait_for_interrupt();
            case 1:
                bench->vm.vcpu(0).request(Request::software_interrupt);
                vcpu.request(Request::look);  // whose answer ends the interrupt for both
                csr_set<Csr::sip>(Sip::SSIP::mask);
                return vcpu.wait_for_interrupt();
            default:
                CHECK(vcpu.yields_at_wfi());  // the first waits for the hart
                csr_write<Csr::time>(csr_read<Csr::time>() + bench->scheduler.turn());
                vcpu.leave_guest();
        }
    };
    loop.run_all();
    CHECK(entries == 2);
}

TEST_CASE("who waits for the hart comes in the same step as another falls asleep", "[hart_loop]") {
    Loop loop({}, 2);
    loop.GuestBench::run(1);
    loop.vcpu().put_away();
    loop.work.is_elsewhere = true;
    fake_hart.guest = [](VcpuContext* context) {
        if (context->hart_id == 1) {
            CHECK(bench->work.looks == 0);
            return bench->stop();
        }
        bench->work.pieces = 1;  // nobody has said so
        context->vcpu->wait_for_interrupt();
    };
    loop.run_all();
}
