// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/instruction.hpp"
#include "kernel/exit/handle_exit.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t page = 0xffff'ffc0'0000'1000;  // a virtual page, and another behind it

/// A guest whose data are two pages from `page` on: bytes 0x80, 0x81 ... at the end of the first.
class MisalignedBench : public GuestBench {
  public:
    MisalignedBench() : GuestBench({.fp = true}) {
        csr_clear<Csr::vsstatus>(Sstatus::FS::mask);
        csr_set<Csr::vsstatus>(Sstatus::FS::of(ExtensionState::initial));
        for (unsigned n = 0; n < 16; ++n)
            fake_hart.guest_bytes[first() + n] = static_cast<std::uint8_t>(0x80 + n);
        x()[13] = first();
    }
    static constexpr std::uint64_t first() { return page + 0x1000 - 3; }

    void place(std::uint32_t instruction) {
        const unsigned length = (instruction & 3) == 3 ? 4 : 2;
        for (unsigned n = 0; n < length; ++n) {
            fake_hart.guest_bytes[pc() + n] = static_cast<std::uint8_t>(instruction >> (8 * n));
        }
    }
    bool trap(Exception exception) {
        csr_write<Csr::scause>(static_cast<std::uint64_t>(exception));
        csr_write<Csr::stval>(first());
        return handle_guest_exit(&vcpu().context) == Resumption::all;
    }
    /// The instruction at `entry` has trapped in the guest.
    void check_trapped(Exception exception, std::uint64_t trap_value) {
        CHECK(csr_read<Csr::vscause>() == static_cast<std::uint64_t>(exception));
        CHECK(csr_read<Csr::vstval>() == trap_value);
        CHECK(csr_read<Csr::vsepc>() == entry);
        CHECK(pc() == handler);
    }
    std::uint64_t bytes(unsigned width) {
        std::uint64_t value = 0;
        for (unsigned n = 0; n < width; ++n)
            value |= std::uint64_t{fake_hart.guest_bytes[first() + n]} << (8 * n);
        return value;
    }
};

using enum Exception;

}  // namespace

TEST_CASE("misaligned loads are carried out by bytes, extended as they say",
          "[misaligned_access]") {
    constexpr std::pair<std::uint32_t, std::uint64_t> rows[]{
        {0x0006'9703, 0xffff'ffff'ffff'8180},  // lh  x14, 0(x13)
        {0x0006'd703, 0x8180},                 // lhu
        {0x0006'a703, 0xffff'ffff'8382'8180},  // lw
        {0x0006'e703, 0x8382'8180},            // lwu
        {0x0006'b703, 0x8786'8584'8382'8180},  // ld
        {0x0036'b703, 0x8a89'8887'8685'8483},  // ld  x14, 3(x13)
        {0x4298, 0xffff'ffff'8382'8180}};      // c.lw x14, 0(x13)
    for (const auto& [instruction, value] : rows) {
        INFO(std::hex << instruction);
        MisalignedBench bench;
        bench.place(instruction);
        Registers expected = bench.x();
        expected[14] = value;
        CHECK(bench.trap(load_address_misaligned));
        CHECK(bench.x() == expected);
        CHECK(bench.pc() == bench.entry + (instruction > 0xffff ? 4 : 2));
        CHECK(csr_read<Csr::vscause>() == 0);
    }
}

TEST_CASE("misaligned stores write the low bytes", "[misaligned_access]") {
    constexpr std::uint64_t value = 0x1122'3344'5566'7788;
    constexpr std::pair<std::uint32_t, unsigned> rows[]{
        {0x00e6'9023, 2}, {0x00e6'a023, 4}, {0x00e6'b023, 8}, {0xc298, 4}, {0xe298, 8}};
    for (const auto& [instruction, width] : rows) {  // sh, sw, sd, c.sw, c.sd x14, 0(x13)
        INFO(std::hex << instruction);
        MisalignedBench bench;
        bench.x()[14] = value;
        bench.place(instruction);
        CHECK(bench.trap(store_address_misaligned));
        CHECK(bench.bytes(width) == (width == 8 ? value : value & ((1ull << 8 * width) - 1)));
        CHECK(fake_hart.guest_bytes[bench.first() + width] == 0x80 + width);
        CHECK(bench.pc() == bench.entry + (instruction > 0xffff ? 4 : 2));
    }
}

TEST_CASE("a misaligned load into x0 leaves x0", "[misaligned_access]") {
    MisalignedBench bench;
    bench.place(0x0006'b003);  // ld x0, 0(x13)
    CHECK(bench.trap(load_address_misaligned));
    CHECK(bench.x()[0] == 0);
    CHECK(bench.pc() == bench.entry + 4);
}

TEST_CASE("misaligned FP accesses reach the f-registers", "[misaligned_access]") {
    constexpr std::pair<std::uint32_t, std::uint64_t> loads[]{
        {0x0006'b707, 0x8786'8584'8382'8180},  // fld f14, 0(x13)
        {0x0006'a707, 0xffff'ffff'8382'8180},  // flw
        {0x0006'9707, 0xffff'ffff'ffff'8180},  // flh
        {0x2298, 0x8786'8584'8382'8180}};      // c.fld f14, 0(x13)
    for (const auto& [instruction, value] : loads) {
        MisalignedBench bench;
        bench.place(instruction);
        const Registers before = bench.x();
        CHECK(bench.trap(load_address_misaligned));
        CHECK(fake_hart.fp.f[14] == value);
        CHECK(Sstatus::FS::get(csr_read<Csr::vsstatus>()) == ExtensionState::dirty);
        CHECK(bench.x() == before);
    }
    MisalignedBench bench;
    fake_hart.fp.f[14] = 0xffff'ffff'1122'3344;
    bench.place(0x00e6'a027);  // fsw f14, 0(x13)
    CHECK(bench.trap(store_address_misaligned));
    CHECK(bench.bytes(5) == 0x84'1122'3344);
    CHECK(Sstatus::FS::get(csr_read<Csr::vsstatus>()) == ExtensionState::initial);
}

TEST_CASE("f-registers that are off are not touched", "[misaligned_access]") {
    MisalignedBench off;  // another instruction stands there now
    csr_clear<Csr::vsstatus>(Sstatus::FS::mask);
    off.place(0x0006'b707);
    CHECK(off.trap(load_address_misaligned));
    off.check_trapped(load_address_misaligned, off.first());

    GuestBench without;
    csr_set<Csr::vsstatus>(Sstatus::FS::of(ExtensionState::dirty));
    fake_hart.guest_bytes = {{without.pc(), 0x07},
                             {without.pc() + 1, 0xb7},
                             {without.pc() + 2, 0x06},
                             {without.pc() + 3, 0x00}};
    csr_write<Csr::scause>(4);
    CHECK(handle_guest_exit(&without.vcpu().context) == Resumption::all);
    CHECK(csr_read<Csr::vscause>() == 4);
}

TEST_CASE("what is not a plain access gets its exception", "[misaligned_access]") {
    // amoadd.w, lr.d, sc.w, vle8.v, an addi that has replaced the access
    for (const std::uint32_t instruction :
         {0x00e6'a6afu, 0x1006'b6afu, 0x18e6'a6afu, 0x0206'8007u, 0x0000'0013u}) {
        for (const Exception exception : {load_address_misaligned, store_address_misaligned}) {
            MisalignedBench bench;
            bench.place(instruction);
            const Registers before = bench.x();
            CHECK(bench.trap(exception));
            bench.check_trapped(exception, bench.first());
            CHECK(bench.x() == before);
        }
    }
}

TEST_CASE("a byte that faults is the guest's fault, with its address", "[misaligned_access]") {
    struct Row {
        std::uint32_t instruction;
        std::uint64_t met;
        Exception guest;
    };
    for (const Row& row :
         {Row{0x0006'b703, 13, load_page_fault}, Row{0x0006'b703, 21, load_access_fault},
          Row{0x0006'b703, 5, load_access_fault}, Row{0x0006'b707, 13, load_page_fault},
          Row{0x00e6'b023, 15, store_page_fault}, Row{0x00e6'b023, 23, store_access_fault},
          Row{0x00e6'b023, 7, store_access_fault}, Row{0x00e6'b027, 15, store_page_fault}}) {
        MisalignedBench bench;
        bench.place(row.instruction);
        fake_hart.guest_faults[page + 0x1000] = row.met;  // the second page
        const Registers before = bench.x();
        CHECK(bench.trap(load_address_misaligned));
        bench.check_trapped(row.guest, page + 0x1000);
        CHECK(bench.x() == before);
        CHECK(fake_hart.fp.f[14] == 0);
    }
}

TEST_CASE("an instruction that cannot be fetched is the guest's fault", "[misaligned_access]") {
    for (const std::uint64_t half : {0u, 2u}) {
        for (const std::uint64_t met : {13u, 5u, 21u}) {
            MisalignedBench bench;
            bench.place(0x0006'b703);
            fake_hart.guest_faults[bench.entry + half] = met;
            CHECK(bench.trap(load_address_misaligned));
            bench.check_trapped(met == 13 ? instruction_page_fault : instruction_access_fault,
                                bench.entry + half);
        }
    }
}

TEST_CASE("misaligned accesses are counted where a counter asks", "[misaligned_access]") {
    MisalignedBench bench;
    constexpr std::uint64_t event = 0xf'0000;  // firmware event 0
    REQUIRE(bench
                .call(SbiExtension::pmu, SbiPmu::counter_config_matching, 0u, 0xffffu,
                      SbiCounterConfig::auto_start, event, 0u)
                .ok());
    bench.pc() = bench.entry;
    bench.x()[13] = bench.first();
    bench.place(0x0006'b703);
    CHECK(bench.trap(load_address_misaligned));
    CHECK(bench.call(SbiExtension::pmu, SbiPmu::counter_fw_read, 0u) == sbi_success(1));
}
