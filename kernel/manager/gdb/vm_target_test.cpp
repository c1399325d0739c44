// SPDX-License-Identifier: MIT
#include "kernel/manager/gdb/vm_target.hpp"

#include <array>

#include "kernel/arch/isa/stage1_mode.hpp"
#include "kernel/manager/gdb/register_file.hpp"
#include "tests/unit/fake_patches.hpp"
#include "tests/unit/guest_bench.hpp"

namespace cairn {
namespace {

using test::GuestBench;
using namespace gdb_register;

GuestFeatures with_fp() {
    GuestFeatures features;
    features.fp = true;
    return features;
}

/// A VM of two vCPUs, both away.
struct Bench : GuestBench {
    Bench() : GuestBench(with_fp(), 2) { vcpu().put_away(); }

    DebugState state;
    VmTarget target{vm, state};
};

TEST_CASE_METHOD(Bench, "registers of a vCPU at rest", "[vm_target]") {
    vm.vcpu(1).context.x[7] = 77;
    vcpu().state_at_rest().csrs.vsepc = 0x1234;
    vcpu().state_at_rest().csrs.hvip = Hip::VSSIP::mask;
    CHECK(target.cpus() == 2);
    CHECK(target.read_register(0, gdb_register::pc) == entry);
    CHECK(target.read_register(1, 7) == 77);
    CHECK(target.read_register(0, first_csr + 0x141) == 0x1234);
    CHECK(target.read_register(0, sip) == Sip::SSIP::mask);
    CHECK(target.read_register(0, privilege) == 1);
    CHECK_FALSE(target.read_register(0, first_csr + 0x300).has_value());
}

TEST_CASE_METHOD(Bench, "registers that are written are the vCPU's", "[vm_target]") {
    CHECK(target.write_register(1, 0, 1));
    CHECK(target.write_register(1, 31, 31));
    CHECK(target.write_register(1, gdb_register::pc, 0x8000'0101));
    CHECK(target.write_register(1, first_csr + 0x180, 0));
    CHECK_FALSE(target.write_register(1, sip, 1));
    CHECK_FALSE(target.write_register(1, privilege, 0));
    CHECK(vm.vcpu(1).context.x[0] == 0);
    CHECK(vm.vcpu(1).context.x[31] == 31);
    CHECK(vm.vcpu(1).context.pc == 0x8000'0100);
}

TEST_CASE_METHOD(Bench, "FP registers are zero until they are used", "[vm_target]") {
    GuestState& guest = vcpu().state_at_rest();
    Sstatus::FS::set(guest.csrs.sstatus, ExtensionState::initial);
    guest.fp.f[3] = 9;  // another run's
    CHECK(target.read_register(0, first_fp + 3) == 0);
    CHECK(target.write_register(0, first_fp + 4, 44));
    CHECK(target.write_register(0, frm, 2));
    CHECK(target.read_register(0, first_fp + 3) == 0);
    CHECK(target.read_register(0, first_fp + 4) == 44);
    CHECK(target.read_register(0, fcsr) == 0x40);
    CHECK(Sstatus::FS::get(guest.csrs.sstatus) == ExtensionState::clean);
    CHECK(Sstatus::FS::get(guest.csrs.vsstatus) == ExtensionState::dirty);
}

TEST_CASE("a vCPU without FP has no FP registers", "[vm_target]") {
    GuestBench bench;
    DebugState state;
    VmTarget target(bench.vm, state);
    CHECK_FALSE(target.read_register(0, first_fp).has_value());
    CHECK_FALSE(target.write_register(0, fcsr, 0));
}

TEST_CASE_METHOD(Bench, "memory is in bounds", "[vm_target]") {
    std::array<std::byte, 16> bytes{};
    bytes.fill(std::byte{0x5a});
    CHECK(target.write_memory(0, ram_end - 16, bytes));
    CHECK_FALSE(target.write_memory(0, ram_end - 8, bytes));
    std::array<std::byte, 32> read{};
    CHECK(target.read_memory(0, ram_end - 16, read) == 16);
    CHECK(read[15] == std::byte{0x5a});
    CHECK(target.read_memory(0, ram_end, read) == 0);
    CHECK(target.read_memory(0, 0, read) == 0);
    CHECK(target.read_memory(0, ~0ull, read) == 0);
}

TEST_CASE_METHOD(Bench, "each vCPU has its own page table", "[vm_target]") {
    // Root at page 1 of RAM: a leaf of 1 GiB that maps 0 to RAM's gibibyte.
    const GuestPhys root{ram_base + 0x1000};
    REQUIRE(vm.memory().store(root, Pte::leaf({0x8000'0000}, Pte::R::mask).bits));
    REQUIRE(vm.memory().store(GuestPhys{ram_base + 0x40}, std::uint64_t{0x1122'3344}));
    vm.vcpu(1).state_at_rest().csrs.vsatp = stage1::satp(SatpMode::sv39, {root.value});
    std::array<std::byte, 4> read{};
    CHECK(target.read_memory(1, 0x40, read) == 4);
    CHECK(read[0] == std::byte{0x44});
    CHECK(target.read_memory(0, 0x40, read) == 0);
    CHECK(target.read_memory(1, ram_size - 2, read) == 2);
    CHECK(target.read_memory(1, 1ull << 30, read) == 0);
    target.use_physical(true);
    CHECK(target.read_memory(1, 0x40, read) == 0);
    CHECK(target.read_memory(1, ram_base + 0x40, read) == 4);
}

TEST_CASE_METHOD(Bench, "there are no breakpoints where code cannot be patched", "[vm_target]") {
    CHECK_FALSE(target.insert_breakpoint(0, ram_base));
    CHECK_FALSE(target.remove_breakpoint(ram_base));
    CHECK_FALSE(target.begin_step(0));
    target.forget_breakpoints(true);
}

/// The same with breakpoints in all pages of its RAM.
struct PatchedBench : test::WithFakePatches, GuestBench {
    PatchedBench() : GuestBench({}, 2, &fake) {
        vcpu().put_away();
        vcpu().state_at_rest().csrs.vstvec = handler;
    }
    bool takes_ebreaks(std::uint32_t cpu) {
        const std::uint64_t delegated = vm.vcpu(cpu).state().csrs.hedeleg;
        return (delegated >> static_cast<unsigned>(Exception::breakpoint) & 1) == 0;
    }

    DebugState state;
    VmTarget target{vm, state};
};

TEST_CASE_METHOD(PatchedBench, "a breakpoint is for all vCPUs, until all are forgotten",
                 "[vm_target]") {
    CHECK(target.insert_breakpoint(1, entry));
    CHECK(fake.places == std::set<std::uint64_t>{entry});
    CHECK(takes_ebreaks(0));
    CHECK(takes_ebreaks(1));
    CHECK(vm.debugging().takes_ebreaks());
    CHECK_FALSE(target.insert_breakpoint(0, ram_end));
    CHECK_FALSE(target.insert_breakpoint(0, entry + 1));
    CHECK(target.insert_breakpoint(0, entry + 2));
    CHECK(target.remove_breakpoint(entry));
    CHECK(fake.places == std::set<std::uint64_t>{entry + 2});
    target.forget_breakpoints(true);
    CHECK(fake.places.empty());
    CHECK_FALSE(takes_ebreaks(0));
    CHECK_FALSE(takes_ebreaks(1));
}

TEST_CASE_METHOD(PatchedBench, "a breakpoint goes from where it was put", "[vm_target]") {
    target.use_physical(true);
    CHECK(target.insert_breakpoint(0, entry));
    CHECK(target.insert_breakpoint(0, entry));
    target.use_physical(false);
    vcpu().state_at_rest().csrs.vsatp = 8ull << 60;  // Sv39, of a table that maps nothing
    CHECK_FALSE(target.insert_breakpoint(0, entry));
    CHECK(target.remove_breakpoint(entry));
    CHECK(fake.places == std::set<std::uint64_t>{entry});  // once more
    CHECK(target.remove_breakpoint(entry));
    CHECK(fake.places.empty());
    CHECK_FALSE(target.remove_breakpoint(entry));
}

TEST_CASE_METHOD(PatchedBench, "what is watched lies in RAM, all of it", "[vm_target]") {
    CHECK(target.insert_watchpoint(0, {ram_base + 0x40, 8}, WatchKind::write));
    REQUIRE(fake.watchpoint);
    CHECK(fake.watchpoint->range == GuestRange{{ram_base + 0x40}, 8});
    CHECK(fake.watchpoint->named == WatchedBytes{ram_base + 0x40, 8});
    CHECK(vm.debugging().takes_ebreaks());  // so it goes with gdb
    CHECK(target.insert_watchpoint(0, {ram_base + 0xfff, 2}, WatchKind::read));
    CHECK(fake.watchpoint->range == GuestRange{{ram_base + 0x1000}, 1});  // its last part
    target.remove_watchpoint({ram_base + 0xfff, 2}, WatchKind::read);
    CHECK_FALSE(fake.watchpoint);
    CHECK_FALSE(target.insert_watchpoint(0, {ram_end - 4, 8}, WatchKind::write));
    CHECK_FALSE(fake.watchpoint);
    CHECK_FALSE(target.insert_watchpoint(0, {ram_base, 0}, WatchKind::write));
    CHECK_FALSE(target.insert_watchpoint(0, {ram_base, ~0ull}, WatchKind::write));
    CHECK_FALSE(target.insert_watchpoint(0, {0x1000, 8}, WatchKind::write));
}

TEST_CASE_METHOD(PatchedBench, "a step ends wherever it may lead", "[vm_target]") {
    REQUIRE(vm.memory().store(GuestPhys{entry}, std::uint32_t{0x00b5'0863}));  // beq a0, a1, .+16
    CHECK(target.insert_breakpoint(0, entry + 16));
    CHECK(target.begin_step(0));
    CHECK(fake.places == std::set<std::uint64_t>{entry + 4, entry + 16, handler});
    CHECK(vm.debugging().holds(1));
    CHECK_FALSE(vm.debugging().holds(0));
    target.end_step();
    CHECK(fake.places == std::set<std::uint64_t>{entry + 16});  // gdb's own
    CHECK_FALSE(vm.debugging().holds(1));
    vcpu().state_at_rest().csrs.vstvec = handler | 1;  // vectored
    CHECK(target.begin_step(0));
    CHECK(fake.places == std::set<std::uint64_t>{entry + 4, entry + 16, handler, handler + 4,
                                                 handler + 20, handler + 36});
    target.forget_breakpoints(false);
    CHECK_FALSE(vm.debugging().holds(1));
}

}  // namespace
}  // namespace cairn
