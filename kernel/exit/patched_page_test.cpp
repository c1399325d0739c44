// SPDX-License-Identifier: MIT
// Exits at a page with a watchpoint: what meets it, and what is carried out. That leaves permit
// less is kernel/vm/memory/patched_pages_test.cpp's; every kind of access by a hart of QEMU's is
// tests/qemu/test_watchpoints.py's.
#include "kernel/exit/handle_exit.hpp"
#include "tests/unit/fake_patches.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t data = GuestBench::ram_base + 0x1000;
constexpr std::uint64_t watched = data + 0x100;

struct Bench : WithFakePatches, GuestBench {
    Bench() : GuestBench({}, 2, &fake) {
        watch(WatchKind::access);
        vm.debugging().take_ebreaks(true);
    }

    void watch(WatchKind kind) {
        (void)fake.insert(
            Watchpoint{.range = {GuestPhys{watched}, 8}, .kind = kind, .named = {watched, 8}});
    }
    /// The guest's `instruction` at `entry` has not been let to `at`, which is a1.
    void refuse(std::uint32_t instruction, std::uint64_t at, bool store) {
        REQUIRE(vm.memory().store(GuestPhys{entry}, instruction));
        pc() = entry;
        x()[11] = at;
        csr_write<Csr::scause>(static_cast<std::uint64_t>(
            store ? Exception::store_guest_page_fault : Exception::load_guest_page_fault));
        csr_write<Csr::stval>(at);
        csr_write<Csr::htval>(at >> 2);
        CHECK(handle_patched_page(vm, GuestPhys{at}) == Resumption::all);
    }
    std::uint64_t word(std::uint64_t at) { return *vm.memory().load<std::uint64_t>(GuestPhys{at}); }
    void put(std::uint64_t at, std::uint64_t value) {
        REQUIRE(vm.memory().store(GuestPhys{at}, value));
    }
    bool has_met() {
        const auto met = vm.debugging().take_met();
        CHECK(met.has_value() == vm.is_paused());
        if (met) CHECK(met->watchpoint->named == WatchedBytes{watched, 8});
        (void)vm.resume(0);
        return met.has_value();
    }
};

constexpr std::uint32_t ld_a0 = 0x0005'b503;     // ld a0, 0(a1)
constexpr std::uint32_t lb_a0 = 0x0005'8503;     // lb a0, 0(a1)
constexpr std::uint32_t sd_a2 = 0x00c5'b023;     // sd a2, 0(a1)
constexpr std::uint32_t c_sw_a2 = 0xc190;        // c.sw a2, 0(a1)
constexpr std::uint32_t amoadd_d = 0x00c5'b52f;  // amoadd.d a0, a2, (a1)
constexpr std::uint32_t amomax_w = 0xa0c5'a52f;  // amomax.w a0, a2, (a1)
constexpr std::uint32_t lr_d = 0x1005'b52f;      // lr.d a0, (a1)
constexpr std::uint32_t sc_d = 0x18c5'b52f;      // sc.d a0, a2, (a1)
constexpr std::uint32_t vse64 = 0x0205'f027;     // vse64.v v0, (a1)

TEST_CASE_METHOD(Bench, "an access that meets it stops before it", "[patched_page]") {
    put(watched, 7);
    x()[12] = 1;
    for (const auto [instruction, store] :
         {std::pair{ld_a0, false}, {sd_a2, true}, {amoadd_d, true}}) {
        refuse(instruction, watched, store);
        CHECK(has_met());
        CHECK(pc() == entry);
        CHECK(word(watched) == 7);
    }
    refuse(lb_a0, watched + 7, false);
    CHECK(has_met());
}

TEST_CASE_METHOD(Bench, "it counts who reads, or who writes", "[patched_page]") {
    watch(WatchKind::write);
    refuse(ld_a0, watched, false);
    CHECK_FALSE(has_met());
    CHECK(pc() == entry + 4);
    watch(WatchKind::read);
    refuse(sd_a2, watched, true);
    CHECK_FALSE(has_met());
    CHECK(pc() == entry + 4);
}

TEST_CASE_METHOD(Bench, "all else in the page is carried out", "[patched_page]") {
    put(watched + 8, 0xffff'ffff'ffff'fff0);
    refuse(ld_a0, watched + 8, false);
    CHECK(x()[10] == 0xffff'ffff'ffff'fff0);
    refuse(lb_a0, watched + 8, false);
    CHECK(x()[10] == 0xffff'ffff'ffff'fff0);
    x()[12] = 0x1'0000'0020;
    refuse(amoadd_d, watched + 8, true);
    CHECK(word(watched + 8) == 0x1'0000'0010);
    CHECK(pc() == entry + 4);
    refuse(amomax_w, watched + 8, true);
    CHECK(x()[10] == 0x10);
    CHECK(word(watched + 8) == 0x1'0000'0020);
    refuse(c_sw_a2, watched + 8, true);
    CHECK(pc() == entry + 2);
    refuse(sd_a2, watched + 8, true);
    CHECK(word(watched + 8) == 0x1'0000'0020);
    CHECK_FALSE(has_met());
}

TEST_CASE_METHOD(Bench, "a misaligned one meets it by its last byte", "[patched_page]") {
    x()[12] = ~0ull;
    fake_hart.guest_faults[watched - 8] = 0;
    refuse(sd_a2, watched - 7, true);
    CHECK(has_met());
    CHECK(word(watched - 8) == 0);
}

TEST_CASE_METHOD(Bench, "an SC succeeds when nobody has written since the last", "[patched_page]") {
    const std::uint64_t at = watched + 16;
    put(at, 5);
    x()[12] = 6;
    refuse(sc_d, at, true);
    CHECK(x()[10] == 1);
    CHECK(pc() == entry + 4);
    CHECK(word(at) == 5);
    refuse(sc_d, at, true);
    CHECK(x()[10] == 0);
    CHECK(word(at) == 6);
    refuse(sc_d, at, true);  // an LR's is used up
    CHECK(x()[10] == 1);
    x()[12] = 6;
    refuse(sd_a2, at, true);  // by whomever, and the same
    refuse(sc_d, at, true);
    CHECK(x()[10] == 1);
    put(at, 9);  // by a device
    refuse(sc_d, at, true);
    CHECK(x()[10] == 1);
    CHECK(word(at) == 9);
    refuse(sc_d, at + 8, true);
    CHECK(x()[10] == 1);
    refuse(sc_d, at, true);  // another place in between
    CHECK(x()[10] == 1);
    CHECK_FALSE(has_met());
}

TEST_CASE_METHOD(Bench, "an SC that meets it stops behind it", "[patched_page]") {
    x()[12] = 6;
    refuse(sc_d, watched, true);
    CHECK_FALSE(has_met());
    refuse(sc_d, watched, true);
    CHECK(has_met());
    CHECK(pc() == entry + 4);
    CHECK(word(watched) == 6);
}

TEST_CASE_METHOD(Bench, "what cannot be carried out stops, wherever in the page",
                 "[patched_page]") {
    refuse(lr_d, watched + 16, false);
    CHECK(has_met());
    CHECK(pc() == entry);
    refuse(vse64, watched + 16, true);
    CHECK(has_met());
    CHECK(pc() == entry);
    CHECK_FALSE(fake.given_up);
}

TEST_CASE_METHOD(Bench, "an instruction that is another by now is tried again", "[patched_page]") {
    put(watched + 8, 7);
    x()[12] = 9;
    refuse(sd_a2, watched + 8, false);  // it was a load that trapped
    CHECK(pc() == entry);
    CHECK(word(watched + 8) == 7);
    CHECK_FALSE(fake.given_up);
}

TEST_CASE_METHOD(Bench, "a debugger that has left stops nobody", "[patched_page]") {
    vm.debugging().take_ebreaks(false);
    refuse(ld_a0, watched, false);
    CHECK_FALSE(has_met());
}

TEST_CASE_METHOD(Bench, "a page table of the guest's cannot be watched", "[patched_page]") {
    REQUIRE(vm.memory().store(GuestPhys{entry}, ld_a0));
    x()[11] = ram_base + 0x2000;  // what it loads lies elsewhere: its table is what was read
    csr_write<Csr::scause>(static_cast<std::uint64_t>(Exception::load_guest_page_fault));
    csr_write<Csr::stval>(ram_base + 0x2000);
    csr_write<Csr::htval>((watched + 8) >> 2);
    CHECK(handle_patched_page(vm, GuestPhys{watched + 8}) == Resumption::all);
    CHECK(fake.given_up);
    CHECK(pc() == entry);
    CHECK_FALSE(has_met());
}

}  // namespace
