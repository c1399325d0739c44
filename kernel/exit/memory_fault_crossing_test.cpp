// SPDX-License-Identifier: MIT
// Misaligned accesses that begin on another page, in RAM, and fault on the device's: they reach
// nobody.
#include <rapidcheck.h>

#include "kernel/arch/isa/instruction.hpp"
#include "tests/unit/mmio_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

struct Row {
    std::uint32_t instruction;
    std::uint64_t width;
    Exception fault;
};
using enum Exception;
constexpr Row rows[]{
    {0x0026'a703, 4, load_access_fault},   // lw   x14, 2(x13)
    {0xffe6'd703, 2, load_access_fault},   // lhu  x14, -2(x13)
    {0x7fe6'b703, 8, load_access_fault},   // ld   x14, 2046(x13)
    {0x00e6'a123, 4, store_access_fault},  // sw   x14, 2(x13)
    {0xfee6'bf23, 8, store_access_fault},  // sd   x14, -2(x13)
    {0x0021'2703, 4, load_access_fault},   // lw   x14, 2(sp)
    {0x4084, 4, load_access_fault},        // c.lw x9, 0(x9)
    {0x7c88, 8, load_access_fault},        // c.ld x10, 56(x9)
    {0x8488, 2, load_access_fault},        // c.lhu x10, 0(x9)
    {0xc4c8, 4, store_access_fault},       // c.sw x10, 12(x9)
    {0x50fe, 4, load_access_fault},        // c.lwsp ra, 252(sp)
    {0x70fe, 8, load_access_fault},        // c.ldsp ra, 504(sp)
    {0xdf86, 4, store_access_fault},       // c.swsp ra, 252(sp)
    {0xff86, 8, store_access_fault},       // c.sdsp ra, 504(sp)
    {0x0006'a687, 4, load_access_fault},   // flw  f13, 0(x13)
    {0x00e6'b027, 8, store_access_fault},  // fsd  f14, 0(x13)
    {0x2088, 8, load_access_fault},        // c.fld f10, 0(x9)
    {0x00e6'a6af, 4, store_access_fault},  // amoadd.w x13, x14, (x13)
    {0x1006'b6af, 8, load_access_fault},   // lr.d x13, (x13)
    {0x18e6'a6af, 4, store_access_fault},  // sc.w x13, x14, (x13)
};

Exception said(const Row& row) {
    return row.fault == load_access_fault ? load_guest_page_fault : store_guest_page_fault;
}

void place(MmioBench& bench, std::uint32_t instruction) {
    if ((instruction & 3) == 3) {
        bench.place32(instruction);
    } else {
        bench.place16(static_cast<std::uint16_t>(instruction));
    }
}

}  // namespace

TEST_CASE("an access that crosses from RAM to a device reaches nobody", "[memory_fault_crossing]") {
    for (const Row& row : rows) {
        for (std::uint64_t before = 1; before < row.width; ++before) {
            INFO(std::hex << row.instruction << " begins " << before << " bytes before the device");
            MmioBench bench;
            place(bench, row.instruction);
            bench.fault_across(said(row), before, MmioBench::device_base);
            bench.check_faulted(row.fault);
        }
    }
}

TEST_CASE("the same where the hart tells the offset", "[memory_fault_crossing]") {
    for (std::uint64_t before = 1; before < 8; ++before) {
        MmioBench bench;
        bench.fault_across(store_guest_page_fault, before, MmioBench::device_base,
                           transformed(store(3, 14), static_cast<unsigned>(before)));
        bench.check_faulted(store_access_fault);

        MmioBench within;  // the page before is the device's, too, but the guest has mapped RAM
        ScriptedDevice two_pages;
        REQUIRE(within.vm.bus().attach({GuestPhys{0x3000'0000}, 0x2000}, two_pages));
        within.fault_across(store_guest_page_fault, before, 0x3000'1000,
                            transformed(store(3, 14), static_cast<unsigned>(before)));
        within.check_faulted(store_access_fault);
        CHECK(two_pages.log.empty());
    }
}

TEST_CASE("an access that crosses from a device to RAM reaches nobody", "[memory_fault_crossing]") {
    for (const Row& row : rows) {  // the first page faults first, with the access's own address
        for (std::uint64_t before = 1; before < row.width; ++before) {
            INFO(std::hex << row.instruction);
            MmioBench bench;
            place(bench, row.instruction);
            bench.fault(said(row), MmioBench::device_size - before);
            bench.check_faulted(row.fault);
        }
    }
}

TEST_CASE("an instruction that has reached a device's first register does not cross into it later",
          "[memory_fault_crossing]") {
    for (const bool is_store : {false, true}) {
        MmioBench bench;
        const Exception cause = is_store ? store_guest_page_fault : load_guest_page_fault;
        for (unsigned round = 0; round < 3; ++round) {
            for (const std::uint64_t offset : {0u, 0x40u, 0u}) {
                bench.pc() = bench.entry;
                bench.place32(is_store ? store(2, 14) : load(2, 14));
                bench.device.log.clear();
                csr_write<Csr::vscause>(0);
                bench.fault(cause, offset);
                CHECK(bench.device.log.size() == 1);
                CHECK(bench.pc() == bench.entry + 4);

                bench.pc() = bench.entry;
                bench.device.log.clear();
                bench.fault_across(cause, 2, MmioBench::device_base);
                bench.check_faulted(is_store ? store_access_fault : load_access_fault);
            }
        }
    }
}

TEST_CASE("a device's first register is reached through any register and mapping",
          "[memory_fault_crossing]") {
    MmioBench bench;
    bench.device.answer = 5;
    for (const std::uint32_t instruction : {0x0006'a703u, 0x0004'a703u, 0xff86'a703u}) {
        for (unsigned round = 0; round < 3; ++round) {  // lw x14, 0(x13); 0(x9); -8(x13)
            bench.pc() = bench.entry;
            bench.place32(instruction);
            bench.fault(load_guest_page_fault, 0);
            CHECK(bench.x()[14] == 5);
            bench.device.log.clear();
        }
    }
}
