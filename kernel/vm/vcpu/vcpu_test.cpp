// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/vcpu.hpp"

#include <map>

#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t poison = 0xdead'beef'dead'beef;
constexpr std::uint64_t never = ~0ull;
constexpr std::uint64_t vs = std::uint64_t{1} << 7;
constexpr std::uint64_t spp = 1 << 8;

/// Everything that changes from `poison` when `run` runs, by CSR number.
template <class Run>
std::map<std::uint64_t, std::uint64_t> changes(Run run) {
    fake_csrs.fill(poison);
    run();
    std::map<std::uint64_t, std::uint64_t> changed;
    for (std::uint64_t number = 0; number < fake_csrs.size(); ++number) {
        if (fake_csrs[number] != poison) changed[number] = fake_csrs[number];
    }
    return changed;
}

std::uint64_t number(Csr csr) {
    return static_cast<std::uint64_t>(csr);
}

}  // namespace

TEST_CASE("reset sets every CSR that a guest can see or is ruled by", "[vcpu]") {
    GuestBench bench;
    const auto changed = changes([&] { bench.vcpu().reset(0x8020'0000, 0x8400'0000, {}); });
    const std::map<std::uint64_t, std::uint64_t> expected{
        {number(Csr::hedeleg), 0xb1af},  // as measured on QEMU 7.2: all of it sticks
        {number(Csr::hideleg), 0x444},
        {number(Csr::hie), 0},
        {number(Csr::hvip), 0},
        {number(Csr::hcounteren), 7},
        {number(Csr::htimedelta), 0},
        {number(Csr::henvcfg), 0},
        {number(Csr::hstatus), 2ull << 32 | 1 << 8 | 1 << 7},  // VSXL = 64, SPVP, SPV
        {number(Csr::sstatus),
         (poison | spp) & ~0xc6622ull},       // SPP; not MXR, SUM, FS, VS, SPIE, SIE
        {number(Csr::vsstatus), 2ull << 32},  // UXL = 64
        {number(Csr::vsie), 0},
        {number(Csr::vstvec), 0},
        {number(Csr::vsscratch), 0},
        {number(Csr::vsepc), 0},
        {number(Csr::vscause), 0},
        {number(Csr::vstval), 0},
        {number(Csr::vsatp), 0},
        {number(Csr::scounteren), 7},
        {number(Csr::senvcfg), 0},
    };
    CHECK(changed == expected);
}

TEST_CASE("reset leaves the registers that the boot protocol promises", "[vcpu]") {
    GuestBench bench;
    bench.x().fill(poison);
    bench.vcpu().reset(0x8020'0000, 0x8400'0000, {});
    Registers expected{};
    expected[11] = 0x8400'0000;
    CHECK(bench.x() == expected);  // a0 is the hart's id, 0
    CHECK(bench.pc() == 0x8020'0000);

    Vcpu second(bench.vm, 3);
    second.reset(0x8020'0000, 0, {});
    CHECK(second.context.x[10] == 3);
}

TEST_CASE("reset opens what the features name", "[vcpu]") {
    GuestBench bench;
    const auto changed =
        changes([&] { bench.vcpu().reset(0, 0, {.sstc = true, .svpbmt = true, .fp = true}); });
    CHECK(changed.at(number(Csr::henvcfg)) == 3ull << 62);
    CHECK(changed.at(number(Csr::vstimecmp)) == never);
    CHECK((changed.at(number(Csr::sstatus)) & 0x6000) == 0x2000);   // FS is initial
    CHECK((changed.at(number(Csr::vsstatus)) & 0x6600) == 0x6000);  // and looks dirty to the guest
    CHECK(fake_hart.vector_resets == 0);
    CHECK((changed.at(number(Csr::sstatus)) & 0x600) == 0);

    std::uint64_t room = 0;
    bench.vcpu().keep_vector_in(reinterpret_cast<std::byte*>(&room));
    bench.vcpu().reset(0, 0, {.fp = true, .vector = true});
    CHECK(fake_hart.vector_resets == 1);
    CHECK((csr_read<Csr::sstatus>() & 0x600) == 0x200);  // VS
    CHECK((csr_read<Csr::vsstatus>() & 0x6600) == 0x6600);
}

TEST_CASE("reset makes new code and page tables seen", "[vcpu]") {
    GuestBench bench;
    fake_hart = {};
    bench.vcpu().reset(0, 0, {});
    CHECK(fake_hart.instruction_fences == 1);
    CHECK(fake_hart.vvma_fences == 1);
}

TEST_CASE("a hart forgets memory whenever a vCPU comes to it", "[vcpu]") {
    GuestBench bench;
    bench.vcpu().load();  // is there already
    CHECK(fake_hart.vvma_fences == 0);
    bench.vcpu().put_away();
    bench.vcpu().load();
    CHECK(fake_hart.instruction_fences == 1);
    CHECK(fake_hart.vvma_fences == 1);
}

TEST_CASE("a vCPU that comes to a hart finds nothing reserved there", "[vcpu]") {
    GuestBench bench;
    fake_hart = {};
    bench.vcpu().load();  // is there already
    CHECK(fake_hart.given_up_reservations == 0);
    bench.vcpu().put_away();
    bench.vcpu().load();
    CHECK(fake_hart.given_up_reservations == 1);
}

TEST_CASE("without Sstc the deadline goes along with the vCPU", "[vcpu]") {
    GuestBench bench;
    bench.vcpu().set_timer(5000);
    bench.vcpu().put_away();
    CHECK(bench.vcpu().state().csrs.vstimecmp == 5000);
    CHECK(csr_read<Csr::sie>() == 0);
    fake_sbi_calls.clear();
    bench.vcpu().load();
    CHECK(fake_sbi_calls == std::vector<FakeSbiCall>{{SbiExtension::time, 0, {5000}}});
    CHECK(csr_read<Csr::sie>() == Sip::STIP::mask);
}

TEST_CASE("the tick that renews a guest's timer comes and goes with the vCPU", "[vcpu]") {
    GuestBench bench({.sstc = true, .timer_renewal = 100});
    bench.vcpu().set_timer(5000);
    bench.vcpu().put_away();
    CHECK(csr_read<Csr::sie>() == 0);
    csr_write<Csr::time>(400);
    bench.vcpu().load();
    CHECK(csr_read<Csr::sie>() == Sip::STIP::mask);
    CHECK(fake_sbi_calls.back() == FakeSbiCall{SbiExtension::time, 0, {500}});
    CHECK(csr_read<Csr::vstimecmp>() == 5000);
}

TEST_CASE("a hart that is about to sleep is not woken by a guest that is put away", "[vcpu]") {
    GuestBench bench({.sstc = true, .fp = true});
    csr_write<Csr::vsie>(0x222);
    csr_write<Csr::hie>(0x444);
    csr_write<Csr::hvip>(0x44);
    csr_write<Csr::vsatp>(0x8000'0000'0008'0000);
    bench.vcpu().put_away();
    CHECK(loaded_vcpu == nullptr);
    silence_guest_interrupts();
    CHECK(csr_read<Csr::hie>() == 0);
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(csr_read<Csr::vsatp>() == 0);
    csr_write<Csr::vsie>(0);  // which hie is an alias of
    bench.vcpu().load();
    CHECK(csr_read<Csr::vsie>() == 0x222);
    CHECK(csr_read<Csr::hvip>() == 0x44);
    CHECK(csr_read<Csr::vsatp>() == 0x8000'0000'0008'0000);
}

TEST_CASE("quiesce ends timer and interrupts, and nothing else", "[vcpu]") {
    GuestBench bench;
    using Expected = std::map<std::uint64_t, std::uint64_t>;
    CHECK(changes([&] { bench.vcpu().quiesce({}); }) ==
          Expected{{number(Csr::hvip), 0}, {number(Csr::hie), 0}});
    CHECK(changes([&] { bench.vcpu().quiesce({.sstc = true}); }) ==
          Expected{{number(Csr::hvip), 0}, {number(Csr::hie), 0}, {number(Csr::vstimecmp), never}});
    csr_write<Csr::sie>(0);
    bench.vcpu().set_timer(5000);
    CHECK(csr_read<Csr::sie>() == Sip::STIP::mask);
    bench.vcpu().quiesce({});
    CHECK(csr_read<Csr::sie>() == 0);
}

TEST_CASE("resume: VS-mode, paging and interrupts off", "[vcpu]") {
    GuestBench bench;
    const auto changed = changes([&] {
        csr_write<Csr::sstatus>(vs);
        csr_write<Csr::vsstatus>(0xffff);
        bench.vcpu().resume(0x8123'4567);
    });
    CHECK(changed == std::map<std::uint64_t, std::uint64_t>{{number(Csr::vsatp), 0},
                                                            {number(Csr::vsstatus), 0xfffd},
                                                            {number(Csr::sstatus), vs | spp}});
    CHECK(bench.pc() == 0x8123'4567);
}

TEST_CASE("inject: what hardware does on a trap into VS-mode", "[vcpu]") {
    constexpr std::uint64_t sie = 1 << 1;
    constexpr std::uint64_t spie = 1 << 5;
    constexpr std::uint64_t sum = 1 << 18;
    struct Row {
        std::uint64_t host, before, after;
    };
    constexpr Row rows[]{
        {spp, sum | sie, sum | spp | spie},  // from VS-mode with interrupts on
        {spp, sum | spie, sum | spp},        // from VS-mode with interrupts off
        {0, sum | sie | spp, sum | spie},    // from VU-mode
        {0, spp | spie, 0},
    };
    for (const auto& [host, before, after] : rows) {
        GuestBench bench;
        const Registers registers = bench.x();
        const auto changed = changes([&] {
            csr_write<Csr::sstatus>(vs | host);
            csr_write<Csr::vsstatus>(before);
            csr_write<Csr::vstvec>(0xffff'ffff'8000'1234);
            bench.pc() = 0x1'2346;
            bench.vcpu().inject(Exception::store_page_fault, 0xffff'0000'1111'2222);
        });
        CHECK(changed == std::map<std::uint64_t, std::uint64_t>{
                             {number(Csr::sstatus), vs | spp},  // the handler runs in VS-mode
                             {number(Csr::vsstatus), after},
                             {number(Csr::vsepc), 0x1'2346},
                             {number(Csr::vscause), 15},
                             {number(Csr::vstval), 0xffff'0000'1111'2222},
                             {number(Csr::vstvec), 0xffff'ffff'8000'1234}});
        CHECK(bench.pc() == 0xffff'ffff'8000'1234);
        CHECK(bench.x() == registers);
    }
}

TEST_CASE("exceptions go to the base of a vectored vstvec", "[vcpu]") {
    GuestBench bench;
    csr_write<Csr::vstvec>(0x8000'1000 | 1);
    CHECK(bench.vcpu().trap_vector() == 0x8000'1000);
    bench.vcpu().inject(Exception::load_access_fault, 0);
    CHECK(bench.pc() == 0x8000'1000);
}

TEST_CASE("interrupt lines are bits of hvip", "[vcpu]") {
    GuestBench bench;
    Vcpu& vcpu = bench.vcpu();
    const std::pair<InterruptLine*, std::uint64_t> lines[]{{&vcpu.software_interrupt(), 1 << 2},
                                                           {&vcpu.timer_interrupt(), 1 << 6},
                                                           {&vcpu.external_interrupt(), 1 << 10}};
    for (const auto& [line, bit] : lines) {
        csr_write<Csr::hvip>(0);
        line->set(true);
        line->set(true);
        CHECK(csr_read<Csr::hvip>() == bit);
        csr_write<Csr::hvip>(0x444);
        line->set(false);
        CHECK(csr_read<Csr::hvip>() == (0x444 & ~bit));
    }
}

TEST_CASE("a vCPU's state stays in the hart until another is loaded", "[vcpu]") {
    GuestBench bench;
    Vcpu& first = bench.vcpu();
    CHECK(first.is_here());
    csr_write<Csr::vsscratch>(0x1111);
    csr_write<Csr::vstvec>(0x8000'1000);
    first.software_interrupt().set(true);
    Vcpu second(bench.vm, 1);
    second.reset(0x8020'0000, 0, {});  // which puts the first away
    CHECK_FALSE(first.is_here());
    CHECK(second.is_here());
    CHECK(csr_read<Csr::vsscratch>() == 0);
    CHECK(csr_read<Csr::hvip>() == 0);
    csr_write<Csr::vsscratch>(0x2222);
    first.load();
    CHECK(csr_read<Csr::vsscratch>() == 0x1111);
    CHECK(csr_read<Csr::vstvec>() == 0x8000'1000);
    CHECK(csr_read<Csr::hvip>() == 1 << 2);
    CHECK(second.state().csrs.vsscratch == 0x2222);
    second.load();
    CHECK(csr_read<Csr::vsscratch>() == 0x2222);
    CHECK(first.state().csrs.vsscratch == 0x1111);
}

TEST_CASE("a vCPU that starts anew needs nothing of what it was", "[vcpu]") {
    GuestBench bench;
    csr_write<Csr::vsscratch>(0x1111);
    bench.vcpu().reset(0x8020'0000, 0, {});
    CHECK(bench.vcpu().is_here());
    CHECK(csr_read<Csr::vsscratch>() == 0);
}

TEST_CASE("the line of a vCPU that is not loaded is left for its next entry", "[vcpu]") {
    GuestBench bench;
    bench.vcpu().put_away();
    fake_sbi_calls.clear();
    bench.vcpu().external_interrupt().set(true);
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(bench.vcpu().is_asked());
    bench.vcpu().load();
    bench.vcpu().answer();
    CHECK(csr_read<Csr::hvip>() == 1 << 10);
}

TEST_CASE("in a VM of one CPU its own hart takes input, which another may have been told of",
          "[vcpu]") {
    GuestBench bench;
    bench.keyboard.type("ab");
    bench.vm.input_arrived();
    CHECK(bench.keyboard.waiting() == 2);
    CHECK(bench.vcpu().is_asked());
    bench.vcpu().answer();
    CHECK(bench.vm.uart().take_input() == std::byte{'a'});
    CHECK(bench.vm.uart().take_input() == std::byte{'b'});

    bench.vcpu().put_away();
    bench.keyboard.type("c");
    bench.vm.input_arrived();
    CHECK(bench.keyboard.waiting() == 1);
    bench.vcpu().answer_away();
    CHECK(bench.vm.uart().take_input() == std::byte{'c'});

    GuestBench two({}, 2);
    two.keyboard.type("d");
    two.vm.input_arrived();
    CHECK(two.vm.uart().take_input() == std::byte{'d'});
}
