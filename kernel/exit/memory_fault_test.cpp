// SPDX-License-Identifier: MIT
#include <rapidcheck.h>

#include "kernel/exit/handle_exit.hpp"
#include "kernel/vm/guest_map.hpp"
#include "tests/unit/mmio_bench.hpp"

using namespace cairn;
using namespace cairn::test;

TEST_CASE("loads of every width and sign", "[memory_fault]") {
    struct Row {
        unsigned funct3;
        AccessWidth width;
        std::uint64_t loaded;
    };
    // LB LH LW LD LBU LHU LWU of a device that answers 0x8182838485868788, cut to the width.
    constexpr Row rows[]{{0, AccessWidth::byte, 0xffff'ffff'ffff'ff88},
                         {1, AccessWidth::half, 0xffff'ffff'ffff'8788},
                         {2, AccessWidth::word, 0xffff'ffff'8586'8788},
                         {3, AccessWidth::dword, 0x8182'8384'8586'8788},
                         {4, AccessWidth::byte, 0x88},
                         {5, AccessWidth::half, 0x8788},
                         {6, AccessWidth::word, 0x8586'8788}};
    for (const auto& [funct3, width, loaded] : rows) {
        MmioBench bench;
        bench.device.answer = 0x8182'8384'8586'8788;
        bench.place32(load(funct3, 13));
        bench.fault(Exception::load_guest_page_fault, 0x18);
        CHECK(bench.x()[13] == loaded);
        bench.check_done({{false, 0x18, width, 0}}, 4);
    }
}

TEST_CASE("stores of every width write the low bytes", "[memory_fault]") {
    constexpr std::uint64_t value = 0x8182'8384'8586'8788;
    constexpr std::pair<AccessWidth, std::uint64_t> rows[]{{AccessWidth::byte, 0x88},
                                                           {AccessWidth::half, 0x8788},
                                                           {AccessWidth::word, 0x8586'8788},
                                                           {AccessWidth::dword, value}};
    for (unsigned funct3 = 0; funct3 < 4; ++funct3) {
        MmioBench bench;
        bench.x()[14] = value;
        bench.place32(store(funct3, 14));
        bench.fault(Exception::store_guest_page_fault, 0x20);
        CHECK(bench.x()[14] == value);
        bench.check_done({{true, 0x20, rows[funct3].first, rows[funct3].second}}, 4);
    }
}

TEST_CASE("compressed loads and stores move on by two bytes", "[memory_fault]") {
    struct Row {
        std::uint16_t instruction;
        bool is_store;
        unsigned reg;
        AccessWidth width;
    };
    constexpr Row rows[]{{0x4004, false, 9, AccessWidth::word},   // c.lw   x9, 0(x8)
                         {0x6004, false, 9, AccessWidth::dword},  // c.ld   x9, 0(x8)
                         {0x4282, false, 5, AccessWidth::word},   // c.lwsp x5, 0(sp)
                         {0xc004, true, 9, AccessWidth::word},    // c.sw   x9, 0(x8)
                         {0xe004, true, 9, AccessWidth::dword},   // c.sd   x9, 0(x8)
                         {0xe016, true, 5, AccessWidth::dword},   // c.sdsp x5, 0(sp)
                         {0x8004, false, 9, AccessWidth::byte}};  // c.lbu  x9, 0(x8) (Zcb)
    for (const auto& [instruction, is_store, reg, width] : rows) {
        MmioBench bench;
        bench.device.answer = 0x77;
        bench.x()[reg] = 0x55;
        bench.place16(instruction);  // and nothing readable behind it
        bench.fault(is_store ? Exception::store_guest_page_fault : Exception::load_guest_page_fault,
                    8);
        CHECK(bench.x()[reg] == (is_store ? 0x55 : 0x77));
        bench.check_done({{is_store, 8, width, is_store ? 0x55u : 0u}}, 2);
    }
}

TEST_CASE("a load into x0 reads the device and leaves x0", "[memory_fault]") {
    MmioBench bench;
    bench.device.answer = ~0ull;
    bench.place32(load(2, 0));
    bench.fault(Exception::load_guest_page_fault, 0);
    CHECK(bench.x()[0] == 0);
    bench.check_done({{false, 0, AccessWidth::word, 0}}, 4);
}

TEST_CASE("an instruction is decoded as it is now, not as it was", "[memory_fault]") {
    MmioBench bench;
    bench.device.answer = 0x1'8000'0080;
    const std::pair<std::uint32_t, std::uint64_t> polls[]{{load(0, 5), 0xffff'ffff'ffff'ff80},
                                                          {load(0, 5), 0xffff'ffff'ffff'ff80},
                                                          {load(4, 5), 0x80},
                                                          {0, 0},
                                                          {load(3, 5), 0x1'8000'0080},
                                                          {load(2, 5), 0xffff'ffff'8000'0080}};
    for (const auto& [instruction, loaded] : polls) {
        bench.pc() = bench.entry;
        bench.x()[5] = 0;
        bench.place32(instruction);  // 0 is no access, and faults
        bench.fault(Exception::load_guest_page_fault, 8);
        CHECK(bench.x()[5] == loaded);
        CHECK(bench.pc() == (instruction != 0 ? bench.entry + 4 : bench.handler));
    }
}

TEST_CASE("any load gives what the naive sum of bytes gives", "[memory_fault]") {
    CHECK(rc::check([] {
        MmioBench bench;
        const auto funct3 = *rc::gen::inRange(0u, 7u);
        const auto reg = *rc::gen::inRange(1u, 32u);
        bench.device.answer = *rc::gen::arbitrary<std::uint64_t>();
        const unsigned bytes = 1u << (funct3 & 3);
        const std::uint64_t offset = *rc::gen::inRange<std::uint64_t>(0, 0x1000 / bytes) * bytes;
        std::uint64_t expected = 0;
        for (unsigned n = 0; n < 8; ++n) {
            const bool top = (bench.device.answer >> (bytes * 8 - 1) & 1) != 0;
            const std::uint64_t byte =
                n < bytes ? bench.device.answer >> (n * 8) & 0xff : (top && funct3 < 4 ? 0xff : 0);
            expected |= byte << (n * 8);
        }
        bench.place32(load(funct3, reg));
        bench.begin_at(MmioBench::window + offset);
        Registers registers = bench.x();
        registers[reg] = expected;
        bench.fault(Exception::load_guest_page_fault, offset);
        RC_ASSERT(bench.x() == registers);
        RC_ASSERT(bench.device.log.size() == 1u);
        RC_ASSERT(bench.pc() == bench.entry + 4);
    }));
}

TEST_CASE("an access that reaches no device is an access fault", "[memory_fault]") {
    for (const bool is_store : {false, true}) {
        MmioBench bench;
        bench.place32(is_store ? store(2, 14) : load(2, 13));
        bench.fault_at(
            is_store ? Exception::store_guest_page_fault : Exception::load_guest_page_fault,
            0x4000'0000);
        bench.check_faulted(is_store ? Exception::store_access_fault
                                     : Exception::load_access_fault);
    }
}

TEST_CASE("an access to a device that is busy is done again", "[memory_fault]") {
    const bool known = GENERATE(false, true);
    for (const std::uint32_t instruction : {load(2, 13), store(2, 13)}) {
        const bool is_store = instruction == store(2, 13);
        const auto fault =
            is_store ? Exception::store_guest_page_fault : Exception::load_guest_page_fault;
        MmioBench bench;
        bench.device.answer = 7;
        bench.place32(instruction);
        if (known) bench.fault(fault, 0x10);
        bench.pc() = bench.entry;
        bench.begin_at(MmioBench::window + 0x10);
        const Registers before = bench.x();
        bench.device.refuse = BusError::busy;
        bench.fault(fault, 0x10);
        CHECK(bench.pc() == bench.entry);
        CHECK(bench.x() == before);
        bench.device.refuse.reset();
        bench.fault(fault, 0x10);
        CHECK(bench.pc() == bench.entry + 4);
        if (!is_store) CHECK(bench.x()[13] == 7);
    }
}

TEST_CASE("what the device or the bus refuses is an access fault", "[memory_fault]") {
    MmioBench refused;
    refused.device.refuse = BusError::width;
    refused.place32(load(3, 13));
    refused.fault(Exception::load_guest_page_fault, 0x10);
    CHECK(refused.device.log.size() == 1);
    refused.device.log.clear();
    refused.check_faulted(Exception::load_access_fault);

    for (const std::uint64_t offset : {std::uint64_t{2}, MmioBench::device_size - 2}) {
        MmioBench bench;  // misaligned; crossing the end of the block
        bench.place32(store(2, 14));
        bench.fault(Exception::store_guest_page_fault, offset);
        bench.check_faulted(Exception::store_access_fault);
    }
}

TEST_CASE("atomics and FP accesses to devices are faults of what they are", "[memory_fault]") {
    using enum Exception;
    struct Row {
        std::uint32_t instruction;
        Exception fault;
    };
    constexpr Row rows[]{
        {0x00e6'a6af, store_access_fault},  // amoadd.w  x13, x14, (x13): QEMU reports a load
        {0x08e6'b6af, store_access_fault},  // amoswap.d x13, x14, (x13)
        {0x1006'a6af, load_access_fault},   // lr.w      x13, (x13)
        {0x18e6'b6af, store_access_fault},  // sc.d      x13, x14, (x13)
        {0x0006'a687, load_access_fault},   // flw       f13, 0(x13)
        {0x0006'b687, load_access_fault},   // fld       f13, 0(x13)
        {0x00e6'b027, store_access_fault},  // fsd       f14, 0(x13)
    };
    for (const auto& [instruction, fault] : rows) {
        for (const Exception said :
             {Exception::load_guest_page_fault, Exception::store_guest_page_fault}) {
            INFO(std::hex << instruction);
            MmioBench bench;
            bench.place32(instruction);
            bench.fault(said, 0x8);
            bench.check_faulted(fault);
        }
    }
}

TEST_CASE("an instruction that is not decoded faults as the hart said", "[memory_fault]") {
    // vle8.v, cbo.zero, an addi that has replaced the load meanwhile, a 48-bit encoding
    for (const std::uint32_t instruction :
         {0x0206'8007u, 0x0046'a00fu, 0x0000'0013u, 0x0000'001fu}) {
        for (const bool is_store : {false, true}) {
            MmioBench bench;
            bench.place32(instruction);
            bench.fault(
                is_store ? Exception::store_guest_page_fault : Exception::load_guest_page_fault, 0);
            bench.check_faulted(is_store ? Exception::store_access_fault
                                         : Exception::load_access_fault);
        }
    }
}

TEST_CASE("only a load into s1 to s11 has the guest's saved registers loaded", "[memory_fault]") {
    for (unsigned reg = 0; reg < 32; ++reg) {
        const bool saved = reg == 9 || (reg >= 18 && reg <= 27);
        MmioBench bench;
        bench.place32(load(2, reg));
        CHECK(bench.fault(Exception::load_guest_page_fault, 4) ==
              (saved ? Resumption::all : Resumption::with_saved_registers));
        bench.place32(store(2, reg));
        bench.pc() = bench.entry + 4;
        bench.place32(store(2, reg));
        CHECK(bench.fault(Exception::store_guest_page_fault, 4) ==
              Resumption::with_saved_registers);
    }
}

TEST_CASE("an access that ends the VM does not resume the guest", "[memory_fault]") {
    MmioBench bench;
    bench.x()[14] = 0x5555;
    bench.place32(store(2, 14));
    CHECK(bench.fault_at(Exception::store_guest_page_fault, guest_map::test_device.base.value) ==
          Resumption::none);
    CHECK(bench.vm.stopped() == StopReason::power_off);
}

TEST_CASE("one instruction reaches one device after the other", "[memory_fault]") {
    MmioBench bench;
    ScriptedDevice other;
    REQUIRE(bench.vm.bus().attach({GuestPhys{0x3000'0000}, 8}, other));
    bench.place32(load(4, 13));
    for (unsigned round = 0; round < 3; ++round) {
        bench.device.answer = round;
        other.answer = 0x10 + round;
        bench.pc() = bench.entry;
        bench.fault(Exception::load_guest_page_fault, 0x7);
        CHECK(bench.x()[13] == round);
        bench.pc() = bench.entry;
        bench.fault_at(Exception::load_guest_page_fault, 0x3000'0007);
        CHECK(bench.x()[13] == 0x10 + round);
        bench.pc() = bench.entry;
        bench.fault_at(Exception::load_guest_page_fault, 0x3000'0008);
        CHECK(bench.pc() == bench.handler);
    }
    CHECK(bench.device.log.size() == 3);
    CHECK(other.log.size() == 3);
    CHECK(other.log[2] == ScriptedDevice::Access{false, 7, AccessWidth::byte, 0});
}

TEST_CASE("instructions whose places collide do not mix", "[memory_fault]") {
    MmioBench bench;
    bench.device.answer = 0x80;
    for (unsigned round = 0; round < 4; ++round) {
        for (const std::uint64_t pc : {bench.entry, bench.entry + 0x20, bench.entry + 0x40}) {
            const bool is_signed = pc == bench.entry + 0x20;
            bench.pc() = pc;
            bench.x()[5] = 0;
            bench.place32(load(is_signed ? 0 : 4, 5));
            bench.fault(Exception::load_guest_page_fault, 3);
            CHECK(bench.x()[5] == (is_signed ? 0xffff'ffff'ffff'ff80 : 0x80));
            CHECK(bench.pc() == pc + 4);
        }
    }
}

TEST_CASE("s1 to s11 are asked for by what has to do with them, and by what is new",
          "[memory_fault]") {
    for (unsigned reg = 0; reg < 32; ++reg) {
        for (const bool is_store : {false, true}) {
            MmioBench bench;
            bench.device.answer = 0x1234;
            bench.place32(is_store ? store(2, reg) : load(2, reg));
            for (unsigned round = 0; round < 3; ++round) {
                INFO("x" << reg << ", store " << is_store << ", round " << round);
                bench.pc() = bench.entry;
                bench.fault(
                    is_store ? Exception::store_guest_page_fault : Exception::load_guest_page_fault,
                    4);
                CHECK(bench.put_off == (round == 0 || is_saved_register(reg)));
                CHECK(bench.pc() == bench.entry + 4);
            }
            CHECK(bench.device.log.size() == 3);
        }
    }
}

TEST_CASE("two instructions whose places collide are both known", "[memory_fault]") {
    MmioBench bench;
    const std::uint64_t pcs[]{bench.entry, bench.entry + 0x40, bench.entry + 0x80};
    const auto access = [&](unsigned which) {
        bench.pc() = pcs[which];
        bench.place32(load(2, 5 + which));
        bench.fault(Exception::load_guest_page_fault, 4);
        CHECK(bench.pc() == pcs[which] + 4);
        return !bench.put_off;
    };
    CHECK(!access(0));
    CHECK(!access(1));
    for (unsigned round = 0; round < 3; ++round) {
        CHECK(access(0));
        CHECK(access(1));
    }
    CHECK(!access(2));  // in the place of the one that was learned first
    CHECK(access(1));
    CHECK(!access(0));
}

TEST_CASE("at a page's start the base register tells, a saved one late", "[memory_fault]") {
    for (const unsigned base : {13u, 18u}) {
        MmioBench bench;
        bench.place32((load(2, 5) & ~(31u << 15)) | base << 15);
        for (unsigned round = 0; round < 3; ++round) {
            bench.pc() = bench.entry;
            bench.fault(Exception::load_guest_page_fault, 0);
            CHECK(bench.put_off == (round == 0 || base == 18));
            CHECK(bench.pc() == bench.entry + 4);
        }
        bench.pc() = bench.entry;  // from the page before: misaligned
        bench.fault_across(Exception::load_guest_page_fault, 2, MmioBench::device_base);
        CHECK(bench.pc() == bench.handler);
        CHECK(bench.device.log.size() == 3);
    }
}

namespace {

/// Says whether its VM's device lock was held at each access.
class LockWatcher final : public MmioDevice {
  public:
    explicit LockWatcher(DeviceLock& lock) : lock_(lock) {}
    std::expected<std::uint64_t, BusError> read(std::uint64_t, AccessWidth) override {
        look();
        return 0;
    }
    std::expected<void, BusError> write(std::uint64_t, AccessWidth, std::uint64_t) override {
        look();
        return {};
    }
    unsigned held = 0;
    unsigned free = 0;

  private:
    void look() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
        const bool is_free = lock_.try_lock();
        if (is_free) lock_.unlock();
        ++(is_free ? free : held);
    }
    DeviceLock& lock_;
};

}  // namespace

TEST_CASE("accesses hold the device lock where others may be at the devices", "[memory_fault]") {
    for (const std::uint32_t cpus : {1u, 2u}) {
        GuestBench bench({}, cpus);
        LockWatcher device(bench.vm.device_lock());
        REQUIRE(bench.vm.bus().attach({GuestPhys{0x2000'0000}, 0x100}, device));
        unsigned rounds = 0;
        for (const std::uint32_t instruction : {load(2, 5), store(0, 5), load(1, 18)}) {
            for (unsigned round = 0; round < 2; ++round, ++rounds) {
                const std::uint64_t address = 0xffff'0000'2000'0008;
                bench.x()[13] = address;
                csr_write<Csr::scause>(static_cast<std::uint64_t>(
                    (instruction & 0x20) != 0 ? Exception::store_guest_page_fault
                                              : Exception::load_guest_page_fault));
                csr_write<Csr::stval>(address);
                csr_write<Csr::htval>(0x2000'0008 >> 2);
                VcpuContext& context = bench.vcpu().context;
                if (handle_guest_access(&context, instruction, 0, 0, address, 0x2000'0008 >> 2) ==
                    Resumption::not_yet)
                    CHECK(handle_open_access(&context) != Resumption::none);
            }
        }
        CHECK(device.held == (cpus > 1 ? rounds : 0));
        CHECK(device.free == (cpus > 1 ? 0 : rounds));
    }
}
