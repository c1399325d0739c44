// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/csr.hpp"

#include <cstdint>
#include <set>

#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("CSR rows are distinct, and findable by number", "[csr]") {
    std::set<std::uint32_t> numbers;
    for (const CsrRow& row : csr_rows) {
        const auto number = static_cast<std::uint32_t>(row.csr);
        INFO(row.name);
        CHECK(numbers.insert(number).second);
        CHECK(number < 0x1000);
        CHECK(csr_name(number) == row.name);
        CHECK_FALSE(row.title.empty());
    }
    CHECK(csr_name(0x300).empty());
}

TEST_CASE("CSR numbers carry their privilege", "[csr]") {
    // "CSR Address Mapping Conventions": bits 9:8 are the lowest privilege that may access.
    for (const CsrRow& row : csr_rows) {
        const auto privilege = (static_cast<unsigned>(row.csr) >> 8) & 3;
        const bool hypervisor = row.name.starts_with("vs") || row.name.starts_with("h");
        const bool supervisor = row.name.starts_with("s");
        INFO(row.name);
        CHECK(privilege == (hypervisor ? 2u : supervisor ? 1u : 0u));
    }
}

TEST_CASE("CSR fields, worked examples", "[csr]") {
    // hgatp as QEMU shows it for Sv39x4, VMID 1, root table at 0x8060'0000.
    const std::uint64_t hgatp =
        Hgatp::MODE::of(HgatpMode::sv39x4) | Hgatp::VMID::of(1) | Hgatp::PPN::of(0x8060'0000 >> 12);
    CHECK(hgatp == 0x8000'1000'0008'0600);
    CHECK(Hgatp::MODE::get(hgatp) == HgatpMode::sv39x4);

    // What henvcfg keeps of all ones on a hart with Sstc, Svpbmt, Zicbom and Zicboz.
    const std::uint64_t henvcfg = Henvcfg::STCE::mask | Henvcfg::PBMTE::mask | Henvcfg::CBZE::mask |
                                  Henvcfg::CBCFE::mask | Henvcfg::CBIE::mask | Henvcfg::FIOM::mask;
    CHECK(henvcfg == 0xc000'0000'0000'00f1);

    CHECK(Sstatus::FS::get(0x6000) == ExtensionState::dirty);
    CHECK(Hstatus::VSXL::of(Xlen::rv64) == 0x2'0000'0000);
    CHECK((Hip::VSSIP::mask | Hip::VSTIP::mask | Hip::VSEIP::mask) == 0x444);
}
