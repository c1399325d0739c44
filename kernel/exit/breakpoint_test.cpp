// SPDX-License-Identifier: MIT
// Exits of a guest with breakpoints. Which page is open for what is the fake's to say; that pages
// turn is kernel/vm/memory/patched_pages_test.cpp's.
#include "kernel/exit/handle_exit.hpp"
#include "tests/unit/fake_patches.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t page_size = FakePatches::page_size;
constexpr std::uint16_t c_ebreak = 0x9002;
constexpr std::uint16_t c_nop = 0x0001;

struct Bench : WithFakePatches, GuestBench {
    Bench() : GuestBench({}, 1, &fake) { vm.debugging().take_ebreaks(true); }

    void place(std::uint32_t instruction) {
        REQUIRE(vm.memory().store(GuestPhys{entry}, instruction));
    }
    void trap(Exception cause, std::uint64_t stval, std::uint64_t at = 0) {
        csr_write<Csr::scause>(static_cast<std::uint64_t>(cause));
        csr_write<Csr::stval>(stval);
        csr_write<Csr::htval>(at >> 2);
    }
    bool exit_by_ebreak() {
        trap(Exception::breakpoint, 0);
        return handle_guest_exit(&vcpu().context) != Resumption::none;
    }
};

TEST_CASE_METHOD(Bench, "a debugger's ebreak pauses the VM", "[breakpoint]") {
    place(c_nop);
    REQUIRE(fake.insert(GuestPhys{entry}));
    CHECK_FALSE(exit_by_ebreak());
    CHECK(vm.is_paused());
    const auto met = vm.debugging().take_met();
    REQUIRE(met);
    CHECK(met->vcpu == 0);
    CHECK_FALSE(met->watchpoint);
    CHECK_FALSE(vm.debugging().has_met());
    CHECK(pc() == entry);
    CHECK(csr_read<Csr::vscause>() == 0);
}

TEST_CASE_METHOD(Bench, "the guest's own ebreak is its own", "[breakpoint]") {
    const std::uint32_t instruction = GENERATE(std::uint32_t{c_ebreak}, std::uint32_t{0x0010'0073});
    place(instruction);
    CHECK(exit_by_ebreak());
    CHECK(csr_read<Csr::vscause>() == static_cast<std::uint64_t>(Exception::breakpoint));
    CHECK(csr_read<Csr::vsepc>() == entry);
    CHECK(pc() == handler);
    CHECK_FALSE(vm.is_paused());
}

TEST_CASE_METHOD(Bench, "one that has been removed meanwhile is tried again", "[breakpoint]") {
    place(0x0000'0073);  // ecall
    CHECK(exit_by_ebreak());
    CHECK(pc() == entry);
    CHECK(csr_read<Csr::vscause>() == 0);
    CHECK_FALSE(vm.is_paused());
}

TEST_CASE_METHOD(Bench, "a page is opened for what a hart wants", "[breakpoint]") {
    trap(Exception::instruction_guest_page_fault, entry, entry);
    CHECK(handle_guest_exit(&vcpu().context) == Resumption::all);
    CHECK(fake.opened == DebugPoints::Use::fetch);
    pc() = ram_base + 2 * page_size;
    trap(Exception::store_guest_page_fault, entry, entry);
    CHECK(handle_patched_page(vm, GuestPhys{entry}) == Resumption::all);
    CHECK(fake.opened == DebugPoints::Use::access);
    CHECK(pc() == ram_base + 2 * page_size);
}

TEST_CASE_METHOD(Bench, "an access of code to its own page is carried out", "[breakpoint]") {
    REQUIRE(vm.memory().store(GuestPhys{entry + 0x40}, std::uint32_t{0x4433'2211}));
    x()[11] = entry + 0x40;
    x()[12] = 1;
    place(0x0005'a503);  // lw a0, 0(a1)
    trap(Exception::load_guest_page_fault, entry + 0x40, entry + 0x40);
    CHECK(handle_patched_page(vm, GuestPhys{entry + 0x40}) == Resumption::all);
    CHECK(x()[10] == 0x4433'2211);
    CHECK(pc() == entry + 4);
    pc() = entry;
    place(0x00c5'a52f);  // amoadd.w a0, a2, (a1)
    trap(Exception::store_guest_page_fault, entry + 0x40, entry + 0x40);
    CHECK(handle_patched_page(vm, GuestPhys{entry + 0x40}) == Resumption::all);
    CHECK(*vm.memory().load<std::uint32_t>(GuestPhys{entry + 0x40}) == 0x4433'2212);
    CHECK(pc() == entry + 4);
    CHECK_FALSE(fake.given_up);
}

TEST_CASE_METHOD(Bench, "an LR, whose SC would fail, ends the page's breakpoints", "[breakpoint]") {
    place(0x1005'a52f);  // lr.w a0, (a1)
    x()[11] = entry + 0x40;
    trap(Exception::load_guest_page_fault, entry + 0x40, entry + 0x40);
    CHECK(handle_patched_page(vm, GuestPhys{entry + 0x40}) == Resumption::all);
    CHECK(pc() == entry);
    CHECK(fake.given_up);
}

TEST_CASE_METHOD(Bench, "a wfi in such a page is known where the hart does not tell of it",
                 "[breakpoint]") {
    constexpr std::uint32_t wfi = 0x1050'0073;
    place(wfi);
    csr_set<Csr::sstatus>(Sstatus::SPP::mask);
    vcpu().share_hart(HartUse::wanted);
    trap(Exception::virtual_instruction, 0);
    CHECK(handle_guest_exit(&vcpu().context) == Resumption::none);
    CHECK(vcpu().waits_for_interrupt());
    CHECK(pc() == entry + 4);
}

TEST_CASE_METHOD(Bench, "code that HLVX cannot read is read all the same", "[breakpoint]") {
    place(0x0005'a503);
    CHECK(read_patched_code(vm, vcpu()) == 0x0005'a503u);
    place(c_nop);
    CHECK(read_patched_code(vm, vcpu()) == c_nop);
    pc() = ram_base + 2 * page_size;
    CHECK_FALSE(read_patched_code(vm, vcpu()).has_value());
    pc() = 0x1000;
    CHECK_FALSE(read_patched_code(vm, vcpu()).has_value());
}

TEST_CASE("a vCPU that starts has its ebreaks come here while there are breakpoints",
          "[breakpoint]") {
    GuestBench bench;
    const auto delegated = [] {
        return csr_read<Csr::hedeleg>() >> static_cast<unsigned>(Exception::breakpoint) & 1;
    };
    CHECK(delegated() == 1);
    bench.vm.debugging().take_ebreaks(true);
    bench.vcpu().reset(GuestBench::entry, 0, bench.vm.features());
    CHECK(delegated() == 0);
}

}  // namespace
