// SPDX-License-Identifier: MIT
#include "kernel/arch/guest/guest_state.hpp"

#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::array guest_csrs{Csr::vsstatus,   Csr::vsie,      Csr::vstvec,  Csr::vsscratch,
                                Csr::vsepc,      Csr::vscause,   Csr::vstval,  Csr::vsatp,
                                Csr::hvip,       Csr::vstimecmp, Csr::senvcfg, Csr::scounteren,
                                Csr::henvcfg,    Csr::hedeleg,   Csr::hideleg, Csr::hcounteren,
                                Csr::htimedelta, Csr::hstateen0, Csr::hstatus};
constexpr std::uint64_t host_status = Sstatus::UBE::mask;

std::uint64_t& cell(Csr csr) {
    return fake_csrs[static_cast<std::size_t>(csr)];
}

ExtensionState fs() {
    return Sstatus::FS::get(csr_read<Csr::sstatus>());
}
ExtensionState vs() {
    return Sstatus::VS::get(csr_read<Csr::sstatus>());
}
void set_states(ExtensionState state) {
    csr_write<Csr::sstatus>(host_status | Sstatus::FS::of(state) | Sstatus::VS::of(state));
}

/// A hart in whose every guest register is something else, `seed` among it.
void fill_hart(std::uint64_t seed) {
    for (std::size_t n = 0; n < guest_csrs.size(); ++n)
        cell(guest_csrs[n]) = seed * 1000 + n;
    csr_write<Csr::sstatus>(host_status | Sstatus::SPP::of(seed % 2 != 0));
    fake_hart.fp.f.fill(seed);
    fake_hart.fp.fcsr = seed;
    fake_hart.vector = seed;
    fake_hart.vector_control = {.vstart = seed, .vl = seed + 1, .vtype = seed, .vcsr = seed + 2};
    csr_set<Csr::sstatus>(Sstatus::FS::mask | Sstatus::VS::mask);  // dirty
}

void check_hart(std::uint64_t seed) {
    for (std::size_t n = 0; n < guest_csrs.size(); ++n) {
        INFO(csr_name(static_cast<std::uint32_t>(guest_csrs[n])));
        CHECK(cell(guest_csrs[n]) == seed * 1000 + n);
    }
    CHECK(Sstatus::SPP::get(csr_read<Csr::sstatus>()) == (seed % 2 != 0));
    CHECK(Sstatus::UBE::get(csr_read<Csr::sstatus>()));  // the host's own
    GuestFp fp{.f = {}, .fcsr = seed};
    fp.f.fill(seed);
    CHECK(fake_hart.fp == fp);
    CHECK(fake_hart.vector == seed);
    CHECK(fake_hart.vector_control.vstart == seed);
    CHECK(fake_hart.vector_control.vl == seed + 1);
    CHECK(fake_hart.vector_control.vtype == seed);
    CHECK(fake_hart.vector_control.vcsr == seed + 2);
}

struct State : GuestState {
    State() : GuestState{.parts = {true, true, true, true}, .csrs = {}, .fp = {}, .vector = {}} {
        vector.registers = reinterpret_cast<std::byte*>(&memory);
        fake_csrs.fill(0);
        fake_hart = {};
    }
    std::uint64_t memory = 0;
};

}  // namespace

TEST_CASE("two guests take turns on a hart and find what they have left", "[guest_state]") {
    State first;
    State second;
    fill_hart(1);
    save_guest_state(first);
    fill_hart(2);
    save_guest_state(second);
    fill_hart(3);
    for (int turn = 0; turn < 3; ++turn) {
        load_guest_state(first);
        check_hart(1);
        save_guest_state(first);
        load_guest_state(second);
        check_hart(2);
        save_guest_state(second);
    }
}

TEST_CASE("FP registers are saved when they are dirty, and clean afterwards", "[guest_state]") {
    State state;
    fill_hart(5);
    save_guest_state(state);
    CHECK(fake_hart.fp_saves == 1);
    CHECK(fs() == ExtensionState::clean);
    CHECK(vs() == ExtensionState::clean);
    fake_hart.vector = 6;  // a lie: hardware would have said dirty
    save_guest_state(state);
    CHECK(fake_hart.fp_saves == 1);
    CHECK(state.memory == 5);
    load_guest_state(state);
    CHECK(fs() == ExtensionState::clean);
    CHECK(fake_hart.vector == 5);
}

TEST_CASE("what a guest calls clean is saved all the same", "[guest_state]") {
    State state;
    fill_hart(5);
    csr_write<Csr::vsstatus>(Sstatus::FS::of(ExtensionState::clean));
    save_guest_state(state);
    CHECK(state.fp.fcsr == 5);
    CHECK(state.fp.f[31] == 5);
}

TEST_CASE("registers that nobody has used are cleared of another's", "[guest_state]") {
    State fresh;
    Sstatus::FS::set(fresh.csrs.sstatus, ExtensionState::initial);
    Sstatus::VS::set(fresh.csrs.sstatus, ExtensionState::initial);
    fill_hart(7);
    load_guest_state(fresh);
    CHECK(fake_hart.fp == GuestFp{});
    CHECK(fake_hart.vector == 0);
    CHECK(fs() == ExtensionState::initial);
    save_guest_state(fresh);
    CHECK(fake_hart.fp_saves == 0);
    CHECK(fs() == ExtensionState::initial);
}

TEST_CASE("a control register that alone was written is not forgotten", "[guest_state]") {
    State state;
    set_states(ExtensionState::initial);
    fake_hart.fp.fcsr = 3;
    fake_hart.vector_control.vcsr = 2;
    save_guest_state(state);
    fill_hart(9);
    load_guest_state(state);
    CHECK(fake_hart.fp.fcsr == 3);
    CHECK(fake_hart.vector_control.vcsr == 2);
    fake_hart.fp.fcsr = 4;  // clean now
    save_guest_state(state);
    CHECK(state.fp.fcsr == 4);
}

TEST_CASE("a guest without FP and V has them off", "[guest_state]") {
    State state;
    fill_hart(9);
    state.parts = {};
    load_guest_state(state);
    CHECK(fs() == ExtensionState::off);
    CHECK(vs() == ExtensionState::off);
    CHECK(cell(Csr::vstimecmp) == 9009);  // no Sstc, no hstateen0: not touched
    CHECK(cell(Csr::hstateen0) == 9017);
}

TEST_CASE("what is pending and enabled wakes", "[guest_state]") {
    State state;
    CHECK(state.wakes(0) == 0);
    state.csrs.vsie = Sip::STIP::mask | Sip::SEIP::mask;
    state.csrs.hvip = Hip::VSSIP::mask;
    CHECK(state.wakes(~0ull - 1) == 0);
    state.csrs.vstimecmp = 100;
    CHECK(state.wakes(99) == 0);
    CHECK(state.wakes(100) == Sip::STIP::mask);
    state.csrs.hvip = Hip::VSEIP::mask;
    CHECK(state.wakes(0) == Sip::SEIP::mask);
    state.parts.sstc = false;  // the deadline is in the value all the same
    CHECK(state.wakes(100) == (Sip::SEIP::mask | Sip::STIP::mask));
}
