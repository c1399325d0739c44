// SPDX-License-Identifier: MIT
#include "kernel/exit/handle_exit.hpp"

#include "kernel/host/cpu/host_timer.hpp"

#include <string>

#include "kernel/host/drivers/interrupt_router.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

/// An interrupt controller with one interrupt, and who handles that.
class OneInterrupt final : public HostInterruptController, public InterruptHandler {
  public:
    OneInterrupt() {
        host_interrupts().start(*this);
        REQUIRE(host_interrupts().wire(HostSource::console, number));
        host_interrupts().handle_by(HostSource::console, *this);
    }

    bool enable(std::uint32_t) override { return true; }
    std::uint32_t claim() override { return number; }
    void complete(std::uint32_t) override {}
    void interrupted() override { ++interrupts; }

    static constexpr std::uint32_t number = 10;
    unsigned interrupts = 0;
};

/// The hart traps with `scause`; whether the guest goes on.
bool exit(GuestBench& bench, std::uint64_t scause, const TrapState& trap = {}) {
    csr_write<Csr::scause>(scause);
    csr_write<Csr::stval>(trap.stval);
    csr_write<Csr::htval>(trap.htval);
    csr_write<Csr::htinst>(trap.htinst);
    return handle_guest_exit(&bench.vcpu().context) != Resumption::none;
}

constexpr std::uint64_t interrupt = 1ull << 63;

}  // namespace

TEST_CASE("an SBI call is answered, and ends the run only if it stops the VM", "[handle_exit]") {
    GuestBench bench;
    bench.x()[17] = 0x10;
    CHECK(exit(bench, 10));
    CHECK(bench.x()[11] == 0x0300'0000);
    CHECK(bench.pc() == bench.entry + 4);
    bench.x()[17] = 8;
    CHECK(!exit(bench, 10));
    CHECK(bench.vm.stopped() == StopReason::power_off);
}

TEST_CASE("a jump out of RAM is an instruction access fault", "[handle_exit]") {
    GuestBench bench;
    bench.pc() = 0x4000'0000;
    CHECK(exit(bench, 20, {.stval = 0x4000'0002, .htval = 0x4000'0000 >> 2}));
    CHECK(csr_read<Csr::vscause>() == 1);
    CHECK(csr_read<Csr::vstval>() == 0x4000'0002);
    CHECK(csr_read<Csr::vsepc>() == 0x4000'0000);
    CHECK(bench.pc() == bench.handler);
}

TEST_CASE("a trap handler out of RAM ends the VM instead of faulting for ever", "[handle_exit]") {
    for (const std::uint64_t mode : {0u, 1u}) {
        GuestBench bench;
        csr_write<Csr::vstvec>(0x4000 | mode);
        bench.pc() = 0x4000'0000;
        CHECK(exit(bench, 20, {.stval = 0x4000'0000, .htval = 0x4000'0000 >> 2}));
        CHECK(bench.pc() == 0x4000);
        CHECK(!exit(bench, 20, {.stval = 0x4000, .htval = 0x4000 >> 2}));
        CHECK(bench.vm.stopped() == StopReason::killed);
    }
}

TEST_CASE("a handler that begins with the same fault again and again ends the VM",
          "[handle_exit]") {
    using enum Exception;
    for (const Exception exception : {load_access_fault, store_access_fault, illegal_instruction,
                                      instruction_page_fault, instruction_access_fault}) {
        GuestBench bench;
        raise_in_guest(bench.vm, bench.vcpu(), exception, 0x4000);
        CHECK(!bench.vm.stopped());
        if (exception != instruction_access_fault) {  // that comes from nowhere else but there
            raise_in_guest(bench.vm, bench.vcpu(), exception, 0x4000);
            CHECK(!bench.vm.stopped());
        }
        raise_in_guest(bench.vm, bench.vcpu(), exception, 0x4000);
        CHECK(bench.vm.stopped() == StopReason::killed);
    }
}

TEST_CASE("a handler whose first instruction traps is not stopped while something changes",
          "[handle_exit]") {
    using enum Exception;
    GuestBench bench;
    bench.pc() = bench.handler;
    for (unsigned round = 0; round < 10; ++round) {
        raise_in_guest(bench.vm, bench.vcpu(), load_access_fault, round);
        raise_in_guest(bench.vm, bench.vcpu(), store_access_fault, round);
        csr_write<Csr::vsepc>(bench.entry);  // another trap, of which Cairn knows nothing
        raise_in_guest(bench.vm, bench.vcpu(), store_access_fault, round);
    }
    CHECK(!bench.vm.stopped());
}

TEST_CASE("a program that jumps to its kernel's handler does not end the VM", "[handle_exit]") {
    GuestBench bench;
    for (unsigned round = 0; round < 3; ++round) {
        bench.pc() = bench.handler;
        csr_clear<Csr::sstatus>(Sstatus::SPP::mask);
        raise_in_guest(bench.vm, bench.vcpu(), Exception::instruction_access_fault, bench.handler);
        CHECK(!bench.vm.stopped());
        CHECK(!Sstatus::SPP::get(csr_read<Csr::vsstatus>()));
    }
}

TEST_CASE("a handler that faults on its own data is the guest's affair", "[handle_exit]") {
    GuestBench bench;
    bench.pc() = bench.handler;
    raise_in_guest(bench.vm, bench.vcpu(), Exception::load_access_fault, 0);
    CHECK(bench.pc() == bench.handler);
    CHECK(!bench.vm.stopped());
}

TEST_CASE("a virtual instruction is illegal in a guest", "[handle_exit]") {
    GuestBench bench;
    CHECK(exit(bench, 22, {.stval = 0x6000'2573}));  // csrr a0, hstatus
    CHECK(csr_read<Csr::vscause>() == 2);
    CHECK(csr_read<Csr::vstval>() == 0x6000'2573);
    CHECK(csr_read<Csr::vsepc>() == bench.entry);
    CHECK(bench.pc() == bench.handler);
}

constexpr std::uint64_t wfi = 0x1050'0073;

TEST_CASE("a wfi leaves the guest where others want the hart", "[handle_exit]") {
    GuestBench bench;
    csr_set<Csr::sstatus>(Sstatus::SPP::mask);
    CHECK(exit(bench, 22, {.stval = wfi}));  // it does not trap on a hart of one's own
    CHECK(csr_read<Csr::vscause>() == 2);
    for (const std::uint64_t stval : {wfi, std::uint64_t{0}}) {
        bench.pc() = bench.entry;
        bench.vcpu().share_hart(HartUse::wanted);
        CHECK(Hstatus::VTW::get(csr_read<Csr::hstatus>()));
        for (unsigned byte = 0; byte < 4; ++byte)
            fake_hart.guest_bytes[bench.entry + byte] =
                static_cast<std::uint8_t>(wfi >> (8 * byte) & 0xff);
        CHECK(!exit(bench, 22, {.stval = stval}));
        CHECK(bench.vcpu().waits_for_interrupt());
        CHECK(bench.pc() == bench.entry + 4);
        bench.vcpu().end_wait();
        bench.vcpu().enter_next();
    }
    csr_clear<Csr::sstatus>(Sstatus::SPP::mask);  // from VU-mode it is illegal
    csr_write<Csr::vscause>(0);
    CHECK(exit(bench, 22, {.stval = wfi}));
    CHECK(csr_read<Csr::vscause>() == 2);
    CHECK(!bench.vcpu().waits_for_interrupt());
    bench.vcpu().share_hart(HartUse::watched);
    CHECK(!Hstatus::VTW::get(csr_read<Csr::hstatus>()));  // who sleeps there is no reason to
}

TEST_CASE("the end of its turn and another hart's interrupt leave the guest of a shared hart",
          "[handle_exit]") {
    GuestBench bench;
    arm_host_timer(TimerUse::scheduler, 10);
    csr_write<Csr::time>(10);
    CHECK(!exit(bench, interrupt | 5));
    CHECK(csr_read<Csr::hvip>() == 0);
    bench.vcpu().enter_next();
    CHECK(exit(bench, interrupt | 1));
    bench.vcpu().share_hart(HartUse::watched);
    CHECK(!exit(bench, interrupt | 1));
}

TEST_CASE("interrupts of the host leave the guest where it was", "[handle_exit]") {
    GuestBench bench;
    const Registers before = bench.x();
    csr_write<Csr::sip>(0xffff);
    bench.vcpu().set_timer(0);
    csr_write<Csr::sie>(0xffff);
    static OneInterrupt controller;  // the router keeps it
    controller.interrupts = 0;
    CHECK(exit(bench, interrupt | 1));
    CHECK(csr_read<Csr::sip>() == (0xffff & ~(1 << 1)));
    CHECK(exit(bench, interrupt | 5));
    CHECK(csr_read<Csr::sie>() == (0xffff & ~(1 << 5)));
    CHECK(csr_read<Csr::hvip>() == 1 << 6);
    CHECK(!exit(bench, interrupt | 9));  // for the hart's loop
    CHECK(controller.interrupts == 1);
    CHECK(bench.pc() == bench.entry);
    CHECK(bench.x() == before);
}

TEST_CASE("any other trap ends the VM, not the host", "[handle_exit]") {
    for (const std::uint64_t scause : {std::uint64_t{2}, std::uint64_t{13}, std::uint64_t{21},
                                       std::uint64_t{24}, ~std::uint64_t{0}, interrupt | 6}) {
        GuestBench bench;
        CHECK(!exit(bench, scause));
        CHECK(bench.vm.stopped() == StopReason::killed);
    }
}
