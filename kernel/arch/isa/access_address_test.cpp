// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/access_address.hpp"

#include "tests/unit/catch.hpp"

using namespace cairn;

// The table over all encodings is tests/checks/instruction_table.py, against LLVM.

TEST_CASE("every format says its register and what is added to it", "[access_address]") {
    struct Row {
        std::uint32_t instruction;
        AccessAddress address;
    };
    // Assembled by LLVM.
    for (const auto& [instruction, address] : {Row{0x0045'8503, {11, 4}},      // lb a0, 4(a1)
                                               Row{0x8005'b503, {11, -2048}},  // ld a0, -2048(a1)
                                               Row{0x7ff1'2507, {2, 2047}},    // flw fa0, 2047(sp)
                                               Row{0xfea5'af23, {11, -2}},     // sw a0, -2(a1)
                                               Row{0x00af'b427, {31, 8}},      // fsd fa0, 8(t6)
                                               Row{0x00c5'a52f, {11, 0}},  // amoadd.w a0, a2, (a1)
                                               Row{0x1005'a52f, {11, 0}},  // lr.w a0, (a1)
                                               Row{0x5ffc, {15, 124}},     // c.lw a5, 124(a5)
                                               Row{0xdffc, {15, 124}},     // c.sw a5, 124(a5)
                                               Row{0x7c68, {8, 248}},      // c.ld a0, 248(s0)
                                               Row{0xbc68, {8, 248}},      // c.fsd fa0, 248(s0)
                                               Row{0x8068, {8, 3}},        // c.lbu a0, 3(s0)
                                               Row{0x8c28, {8, 2}},        // c.sh a0, 2(s0)
                                               Row{0x50fe, {2, 252}},      // c.lwsp ra, 252(sp)
                                               Row{0x70fe, {2, 504}},      // c.ldsp ra, 504(sp)
                                               Row{0xdf86, {2, 252}},      // c.swsp ra, 252(sp)
                                               Row{0xff86, {2, 504}}}) {   // c.sdsp ra, 504(sp)
        INFO(std::hex << instruction);
        CHECK(decode_access_address(instruction).base == address.base);
        CHECK(decode_access_address(instruction).offset == address.offset);
    }
}

TEST_CASE("an address wraps around", "[access_address]") {
    Registers x{};
    x[5] = 1;
    CHECK(AccessAddress{5, -2}.in(x) == ~0ull);
    CHECK(AccessAddress{0, 16}.in(x) == 16);
}
