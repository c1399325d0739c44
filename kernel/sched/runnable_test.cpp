// SPDX-License-Identifier: MIT
// What a vCPU waits for, by the calls of its guest, and when that ends.
#include "kernel/sched/runnable.hpp"

#include "kernel/exit/handle_exit.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t resume_at = GuestBench::ram_base + 0x1000;
constexpr std::uint64_t opaque = 0x1122'3344'5566'7788;
GuestBench* waiting = nullptr;

bool goes_on(GuestBench& bench, std::uint32_t hart = 0) {
    return until_runnable(bench.vm, bench.vm.vcpu(hart));
}

void suspend(GuestBench& bench) {
    CHECK(bench.call(SbiExtension::hsm, SbiHsm::hart_suspend, 0u, 0u, 0u) == sbi_success());
}

}  // namespace

TEST_CASE("a guest that waits for nothing goes on at once, and its exits end again in it",
          "[runnable]") {
    GuestBench bench;
    bench.vcpu().leave_guest();
    CHECK(goes_on(bench));
    CHECK(!bench.vcpu().leaves_guest());
    CHECK(fake_hart.waits == 0);
}

TEST_CASE("a guest of a VM that was stopped does not go on", "[runnable]") {
    GuestBench bench;
    bench.vm.stop(StopReason::reset);
    CHECK(!goes_on(bench));
}

TEST_CASE("a suspended hart sleeps, and goes on as it was", "[runnable]") {
    GuestBench bench;
    csr_write<Csr::vsatp>(0x8000'0000'0008'0000);
    csr_write<Csr::vsstatus>(Sstatus::SIE::mask);
    csr_write<Csr::vsie>(Sip::STIP::mask);
    for (unsigned times = 1; times <= 2; ++times) {
        csr_write<Csr::time>(0);
        suspend(bench);
        CHECK(goes_on(bench));
        CHECK(fake_hart.waits == times);
        CHECK(fake_hart.vvma_fences == times);  // of what others passed over meanwhile
        CHECK(fake_hart.instruction_fences == times);
    }
    CHECK(bench.vm.harts().state(0) == SbiHartState::started);
    CHECK(bench.vm.loaded() == 1);
    CHECK(csr_read<Csr::vsatp>() == 0x8000'0000'0008'0000);
    CHECK(csr_read<Csr::vsstatus>() == Sstatus::SIE::mask);
}

TEST_CASE("a hart that was started begins where it was told, with its id and the opaque value",
          "[runnable]") {
    GuestBench bench({}, 3);
    REQUIRE(bench.vm.harts().start(2, {.address = resume_at, .opaque = opaque}));
    CHECK(goes_on(bench, 2));
    const VcpuContext& context = bench.vm.vcpu(2).context;
    CHECK(context.pc == resume_at);
    CHECK(context.x[10] == 2);
    CHECK(context.x[11] == opaque);
    CHECK(bench.vm.harts().state(2) == SbiHartState::started);
    CHECK(fake_hart.vvma_fences == 1);  // of what others passed over while it was stopped
    CHECK(fake_hart.instruction_fences == 1);
}

TEST_CASE("a stopped hart sleeps until another starts it, and finds nothing of before",
          "[runnable]") {
    GuestBench bench({}, 2);
    bench.run(1);
    waiting = &bench;
    fake_hart.on_wait = [] {
        CHECK(waiting->vm.harts().state(0) == SbiHartState::stopped);
        CHECK(waiting->vm.harts().start(0, {.address = resume_at, .opaque = opaque}));
    };
    bench.x().fill(7);
    bench.call(SbiExtension::hsm, SbiHsm::hart_stop);
    CHECK(goes_on(bench));
    Registers expected{};  // a0 is the hart's id, 0
    expected[11] = opaque;
    CHECK(bench.x() == expected);
    CHECK(bench.pc() == resume_at);
    CHECK(fake_hart.waits == 1);
    CHECK(bench.vm.harts().state(0) == SbiHartState::started);
}

TEST_CASE("IPIs of before its start do not reach a hart", "[runnable]") {
    GuestBench bench({}, 2);
    bench.vm.vcpu(1).request(Request::software_interrupt);
    csr_set<Csr::sip>(Sip::SSIP::mask);
    REQUIRE(bench.vm.harts().start(1, {.address = resume_at}));
    bench.vcpu().put_away();
    CHECK(goes_on(bench, 1));
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(csr_read<Csr::sip>() == 0);
    CHECK(!bench.vm.vcpu(1).is_asked());
}

TEST_CASE("a stopped hart serves what comes, and leaves when the VM stops", "[runnable]") {
    GuestBench bench({}, 2);
    bench.run(1);
    waiting = &bench;
    csr_write<Csr::sie>(Sip::SSIP::mask);
    fake_hart.on_wait = [] {
        if (fake_hart.waits == 1) {
            waiting->vm.vcpu(0).request(Request::fence);
            csr_set<Csr::sip>(Sip::SSIP::mask);
        } else {
            CHECK(!waiting->vm.vcpu(0).is_asked());
            CHECK(fake_hart.instruction_fences == 0);
            waiting->vm.stop(StopReason::reset);
        }
    };
    bench.call(SbiExtension::hsm, SbiHsm::hart_stop);
    CHECK(!goes_on(bench));
    CHECK(fake_hart.waits == 2);
}

TEST_CASE("what is not the guest's interrupt does not end a suspension", "[runnable]") {
    GuestBench bench({}, 2);
    bench.run(1);
    waiting = &bench;
    csr_write<Csr::sie>(Sip::SSIP::mask);
    csr_write<Csr::vsie>(Sip::SSIP::mask);
    csr_write<Csr::vsscratch>(77);
    fake_hart.on_wait = [] {
        CHECK(waiting->vm.harts().state(0) == SbiHartState::suspended);
        CHECK(loaded_vcpu == nullptr);
        CHECK(waiting->vm.loaded() == 2);
        CHECK(csr_read<Csr::vsscratch>() == 0);  // the hart that sleeps is nobody's
        CHECK(csr_read<Csr::vsie>() == 0);
        csr_set<Csr::sip>(Sip::SSIP::mask);
        waiting->vm.vcpu(0).request(fake_hart.waits < 3 ? Request::look
                                                        : Request::software_interrupt);
    };
    suspend(bench);
    CHECK(goes_on(bench));
    CHECK(fake_hart.waits == 3);
    CHECK(bench.vm.harts().state(0) == SbiHartState::started);
    CHECK(csr_read<Csr::vsscratch>() == 77);
    CHECK(csr_read<Csr::hvip>() == Hip::VSSIP::mask);
}

TEST_CASE("what the guest has not enabled does not end a suspension", "[runnable]") {
    GuestBench bench;
    waiting = &bench;
    csr_write<Csr::vsie>(Sip::SEIP::mask);
    csr_write<Csr::sie>(Sip::SSIP::mask);
    fake_hart.on_wait = [] {
        csr_set<Csr::sip>(Sip::SSIP::mask);
        Vcpu& vcpu = waiting->vcpu();
        if (fake_hart.waits < 3) return vcpu.request(Request::software_interrupt);
        vcpu.external_interrupt().set(true);
    };
    suspend(bench);
    CHECK(goes_on(bench));
    CHECK(fake_hart.waits == 3);
}

TEST_CASE("a deadline ends a suspension, with Sstc or without", "[runnable]") {
    for (const bool sstc : {true, false}) {
        GuestBench bench({.sstc = sstc});
        csr_write<Csr::vsie>(Sip::STIP::mask);
        bench.call(SbiExtension::time, SbiTime::set_timer, 5000);
        fake_sbi_calls.clear();
        fake_hart.on_wait = [] {
            CHECK(csr_read<Csr::sie>() == Sip::STIP::mask);  // the host's timer
            csr_write<Csr::time>(fake_hart.waits < 3 ? 4999 : 5000);
        };
        suspend(bench);
        CHECK(goes_on(bench));
        CHECK(fake_hart.waits == 3);
        CHECK(fake_sbi_calls.front() == FakeSbiCall{SbiExtension::time, 0, {5000}});
        if (sstc) {
            CHECK(csr_read<Csr::vstimecmp>() == 5000);
            CHECK(csr_read<Csr::sie>() == 0);
        } else {  // it comes at once, to be the guest's
            CHECK(fake_sbi_calls.back() == FakeSbiCall{SbiExtension::time, 0, {5000}});
            CHECK(csr_read<Csr::sie>() == Sip::STIP::mask);
        }
    }
}

TEST_CASE("without Sstc a deadline that has come is not waited for again", "[runnable]") {
    GuestBench bench;
    csr_write<Csr::vsie>(Sip::STIP::mask);
    bench.call(SbiExtension::time, SbiTime::set_timer, 5000);
    handle_timer_interrupt(bench.vcpu());
    fake_sbi_calls.clear();
    suspend(bench);
    CHECK(goes_on(bench));
    CHECK(fake_hart.waits == 0);
    CHECK(fake_sbi_calls.empty());
    CHECK(csr_read<Csr::hvip>() == Hip::VSTIP::mask);
}

TEST_CASE("who has asked for a fence goes on when all have fenced", "[runnable]") {
    GuestBench bench({}, 3);
    bench.run(1);
    bench.run(2);
    bench.call(SbiExtension::rfence, SbiRfence::remote_fence_i, 6, 0);
    CHECK(bench.vcpu().leaves_guest());
    CHECK(!make_runnable(bench.vm, bench.vcpu()));
    bench.answer_on(2);
    CHECK(!make_runnable(bench.vm, bench.vcpu()));
    bench.answer_on(1);
    CHECK(goes_on(bench));
    CHECK(fake_hart.instruction_fences == 2);
    CHECK(fake_hart.waits == 0);
}

TEST_CASE("two harts that fence each other do not wait for ever", "[runnable]") {
    GuestBench bench({}, 2);
    bench.run(1);
    bench.call(SbiExtension::rfence, SbiRfence::remote_sfence_vma, 2, 0, 0x1000, 0x2000);
    // Before hart 1 answers, it asks hart 0 for a fence, and answers only when it has it.
    bench.vm.vcpu(1).fence_mail().post({}, 1);
    bench.vcpu().fence_mail().ask(1);
    bench.vcpu().request(Request::fence);
    waiting = &bench;
    bench.vm.stop(StopReason::reset);  // ends the wait, which answers first
    CHECK(!make_runnable(bench.vm, bench.vcpu()));
    bench.vcpu().answer();
    CHECK(bench.vm.vcpu(1).fence_mail().all_have_fenced());
    bench.answer_on(1);
    CHECK(make_runnable(bench.vm, bench.vcpu()));
    CHECK(fake_hart.instruction_fences == 1);
    CHECK(fake_hart.narrow_fences.size() == 2);
}

TEST_CASE("a target that was put away before it fenced is not waited for", "[runnable]") {
    GuestBench bench({}, 2);
    bench.run(1);
    Vcpu& target = bench.vm.vcpu(1);
    bench.call(SbiExtension::rfence, SbiRfence::remote_fence_i, 2, 0);
    loaded_vcpu = &target;
    target.drop();
    loaded_vcpu = &bench.vcpu();
    CHECK(goes_on(bench));
    CHECK(target.fence_mail().take() == 0);  // taken back
    CHECK(fake_hart.instruction_fences == 0);
}

TEST_CASE("a target that is loaded again answers by forgetting everything", "[runnable]") {
    GuestBench bench({}, 2);
    bench.run(1);
    Vcpu& target = bench.vm.vcpu(1);
    bench.call(SbiExtension::rfence, SbiRfence::remote_fence_i, 2, 0);
    loaded_vcpu = &target;
    target.put_away();
    target.load();
    loaded_vcpu = &bench.vcpu();
    CHECK(bench.vcpu().fence_mail().all_have_fenced());
    CHECK(fake_hart.instruction_fences == 1);
    CHECK(fake_hart.vvma_fences == 1);
    CHECK(goes_on(bench));
}
