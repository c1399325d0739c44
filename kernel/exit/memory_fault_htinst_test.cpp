// SPDX-License-Identifier: MIT
// MMIO where the hart tells the instruction in htinst, and where it has to be fetched.
#include "kernel/arch/isa/instruction.hpp"
#include "tests/unit/mmio_bench.hpp"

using namespace cairn;
using namespace cairn::test;

TEST_CASE("a transformed instruction is taken without a fetch", "[memory_fault_htinst]") {
    MmioBench loads;
    loads.device.answer = 0x8000;
    loads.fault(Exception::load_guest_page_fault, 4, transformed(load(1, 13)));
    CHECK(loads.x()[13] == 0xffff'ffff'ffff'8000);
    loads.check_done({{false, 4, AccessWidth::half, 0}}, 4);

    MmioBench stores;
    stores.x()[14] = 0x1'2345'6789;
    stores.fault(Exception::store_guest_page_fault, 4, transformed(store(2, 14)));
    stores.check_done({{true, 4, AccessWidth::word, 0x2345'6789}}, 4);
}

TEST_CASE("a transformed compressed instruction is two bytes long", "[memory_fault_htinst]") {
    MmioBench loads;
    loads.device.answer = 5;
    loads.fault(Exception::load_guest_page_fault, 8, transformed_compressed(load(3, 9)));
    CHECK(loads.x()[9] == 5);
    loads.check_done({{false, 8, AccessWidth::dword, 0}}, 2);

    MmioBench stores;
    stores.fault(Exception::store_guest_page_fault, 8, transformed_compressed(store(2, 9)));
    stores.check_done({{true, 8, AccessWidth::word, 0xabcd'0009}}, 2);
}

TEST_CASE("the address offset leads back to the first byte", "[memory_fault_htinst]") {
    MmioBench bench;  // a load at 0x10 that faulted on its last byte
    bench.fault(Exception::load_guest_page_fault, 0x17, transformed(load(3, 13), 7));
    bench.check_done({{false, 0x10, AccessWidth::dword, 0}}, 4);

    MmioBench before;  // its first byte lies before the device
    before.fault(Exception::load_guest_page_fault, 0, transformed(load(3, 13), 4));
    before.check_faulted(Exception::load_access_fault);
}

TEST_CASE("transformed atomics and FP accesses fault", "[memory_fault_htinst]") {
    MmioBench amo;
    amo.fault(Exception::load_guest_page_fault, 0, transformed(0x00e6'a6af));
    amo.check_faulted(Exception::store_access_fault);
    MmioBench fp;
    fp.fault(Exception::load_guest_page_fault, 0, transformed(0x0006'b687));
    fp.check_faulted(Exception::load_access_fault);
}

TEST_CASE("a guest page table outside RAM faults the access it was walked for",
          "[memory_fault_htinst]") {
    for (const std::uint64_t htinst : {0x2000u, 0x3000u, 0x2020u, 0x3020u}) {
        for (const bool is_store : {false, true}) {
            MmioBench bench;
            bench.place32(is_store ? store(2, 14) : load(2, 13));
            bench.fault(
                is_store ? Exception::store_guest_page_fault : Exception::load_guest_page_fault,
                0x10, htinst);
            bench.check_faulted(is_store ? Exception::store_access_fault
                                         : Exception::load_access_fault);
        }
    }
}

TEST_CASE("an unknown htinst is as good as none", "[memory_fault_htinst]") {
    // custom, a 48-bit encoding, bits above 31
    for (const std::uint64_t htinst : {0x0000'000bull, 0x0000'0002ull, 0x1'0000'0003ull, ~0ull}) {
        REQUIRE(classify_htinst(htinst) == HtinstKind::unknown);
        MmioBench bench;
        bench.device.answer = 3;
        bench.place32(load(2, 13));
        bench.fault(Exception::load_guest_page_fault, 0x10, htinst);
        CHECK(bench.x()[13] == 3);
        bench.check_done({{false, 0x10, AccessWidth::word, 0}}, 4);
    }
}

TEST_CASE("a fetch that faults is the guest's instruction fault", "[memory_fault_htinst]") {
    struct Row {
        std::uint64_t hlvx_cause;
        Exception guest;
    };
    constexpr Row rows[]{{13, Exception::instruction_page_fault},
                         {5, Exception::instruction_access_fault},
                         {21, Exception::instruction_access_fault}};
    for (const auto& [hlvx_cause, guest] : rows) {
        MmioBench bench;
        bench.fetch_fault = hlvx_cause;
        bench.fault(Exception::store_guest_page_fault, 0);
        bench.check_trapped(guest, bench.entry);

        MmioBench second;  // "the portion of the instruction that caused the fault"
        second.fetch_fault = hlvx_cause;
        second.place16(static_cast<std::uint16_t>(load(2, 13)));
        second.fault(Exception::load_guest_page_fault, 0);
        second.check_trapped(guest, second.entry + 2);
    }
}

TEST_CASE("what the hart tells is not taken for an instruction, nor the other way round",
          "[memory_fault_htinst]") {
    // lb x13, 0(x2) as an instruction; in htinst, an access whose third byte faulted.
    constexpr std::uint32_t bits = 2u << 15 | 13u << 7 | 0x03;
    MmioBench bench;
    for (unsigned round = 0; round < 3; ++round) {
        bench.device.log.clear();
        bench.pc() = bench.entry;
        bench.place32(bits);
        bench.fault(Exception::load_guest_page_fault, 0x12);
        bench.check_done({{false, 0x12, AccessWidth::byte, 0}}, 4);
        bench.device.log.clear();
        bench.pc() = bench.entry;
        bench.fault(Exception::load_guest_page_fault, 0x12, bits);
        bench.check_done({{false, 0x10, AccessWidth::byte, 0}}, 4);
        bench.device.log.clear();
        bench.pc() = bench.entry;  // reserved, so it is the instruction that counts
        bench.fault(Exception::load_guest_page_fault, 0x12, std::uint64_t{1} << 32 | bits);
        bench.check_done({{false, 0x12, AccessWidth::byte, 0}}, 4);
    }
}

TEST_CASE("a fault of the guest's table walk is seen behind an instruction that was met",
          "[memory_fault_htinst]") {
    MmioBench bench;
    bench.place32(load(2, 13));
    bench.fault(Exception::load_guest_page_fault, 8);
    bench.pc() = bench.entry;
    bench.walk_fault(Exception::load_guest_page_fault, 8);
    CHECK(csr_read<Csr::vscause>() == 5);
    CHECK(bench.device.log.size() == 1);
    bench.pc() = bench.entry;
    bench.fetch_fault = 5;
    bench.forget_instructions();
    bench.fault(Exception::load_guest_page_fault, 8);
    CHECK(csr_read<Csr::vscause>() == 1);
    CHECK(bench.device.log.size() == 1);
}

TEST_CASE("a fetch that is reported as a load is the guest's instruction fault",
          "[memory_fault_htinst]") {
    // QEMU 7.2 does so where the page table for the fetch lies outside RAM.
    for (const std::uint64_t htinst : {0x0u, 0x2000u, 0x3000u, 0x3020u}) {
        MmioBench bench;
        bench.fetch_fault = 21;
        bench.walk_fault(Exception::load_guest_page_fault, 0x10, htinst);
        bench.check_trapped(Exception::instruction_access_fault, bench.entry);
        CHECK(bench.walk_fault(Exception::load_guest_page_fault, 0x10, htinst) == Resumption::none);
        CHECK(bench.vm.stopped() == StopReason::killed);
    }
}

TEST_CASE("a walk for a store that is reported as a load is a store fault",
          "[memory_fault_htinst]") {
    for (const std::uint64_t htinst : {0x0u, 0x2000u, 0x3000u}) {
        MmioBench bench;
        bench.place32(store(2, 14));
        bench.walk_fault(Exception::load_guest_page_fault, 0x10, htinst);
        bench.check_faulted(Exception::store_access_fault);
    }
}
