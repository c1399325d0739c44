// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/instruction.hpp"

#include <rapidcheck.h>

#include <cstdint>

#include "tests/unit/catch.hpp"

using namespace cairn;

// The table over all encodings is tests/checks/instruction_table.py, against LLVM; here are worked
// examples and the properties that need no second source.

TEST_CASE("loads of every width and sign", "[instruction]") {
    // Assembled by hand from the listings: `OP x10, 4(x11)`.
    struct Example {
        std::uint32_t bits;
        std::uint8_t width;
        bool sign_extend;
    };
    for (const Example& example :
         {Example{0x00458503, 1, true}, Example{0x00459503, 2, true}, Example{0x0045a503, 4, true},
          Example{0x0045b503, 8, true}, Example{0x0045c503, 1, false},
          Example{0x0045d503, 2, false}, Example{0x0045e503, 4, false}}) {
        const auto access = decode_memory_access(example.bits);
        REQUIRE(access);
        CHECK(*access == MemoryAccess{.kind = AccessKind::load,
                                      .width = example.width,
                                      .sign_extend = example.sign_extend,
                                      .reg = 10,
                                      .length = 4});
        CHECK_FALSE(access->is_store());
    }
}

TEST_CASE("stores, atomics and floating point are told apart", "[instruction]") {
    CHECK(decode_memory_access(0x00c5b023)->kind == AccessKind::store);  // sd a2, 0(a1)
    CHECK(decode_memory_access(0x00c5b023)->reg == 12);
    CHECK(decode_memory_access(0x0005b507)->kind == AccessKind::fp_load);            // fld
    CHECK(decode_memory_access(0x00a5a027)->kind == AccessKind::fp_store);           // fsw
    CHECK(decode_memory_access(0x1005a52f)->kind == AccessKind::load_reserved);      // lr.w
    CHECK(decode_memory_access(0x18c5b52f)->kind == AccessKind::store_conditional);  // sc.d
    CHECK(decode_memory_access(0x00c5a52f)->kind == AccessKind::amo);                // amoadd.w
    CHECK(decode_memory_access(0x00c5a52f)->is_store());
    CHECK_FALSE(decode_memory_access(0x1005a52f)->is_store());
}

TEST_CASE("what is no access gets a reason", "[instruction]") {
    CHECK(decode_memory_access(0x00000013).error() == DecodeError::not_an_access);  // nop
    CHECK(decode_memory_access(0).error() == DecodeError::not_an_access);
    CHECK(decode_memory_access(0x0000001f).error() == DecodeError::too_long);
    CHECK(decode_memory_access(0xffffffff).error() == DecodeError::too_long);
    CHECK(decode_memory_access(0x02058507).error() == DecodeError::not_an_access);  // vle8.v
    CHECK_FALSE(to_string(DecodeError::too_long).empty());
}

TEST_CASE("only the low half of a compressed instruction counts", "[instruction]") {
    CHECK(rc::check([](std::uint32_t bits) {
        RC_PRE((bits & 3) != 3);
        RC_ASSERT((decode_memory_access(bits) == decode_memory_access(bits & 0xffff)));
    }));
}

TEST_CASE("htinst is classified", "[instruction]") {
    CHECK(classify_htinst(0) == HtinstKind::none);
    CHECK(classify_htinst(0x2000) == HtinstKind::pseudo_read);
    CHECK(classify_htinst(0x3000) == HtinstKind::pseudo_read);
    CHECK(classify_htinst(0x2020) == HtinstKind::pseudo_write);
    CHECK(classify_htinst(0x3020) == HtinstKind::pseudo_write);
    CHECK(classify_htinst(0x00002503) == HtinstKind::transformed);  // lw a0
    CHECK(classify_htinst(0x00002501) == HtinstKind::transformed);  // c.lw a0
    CHECK(classify_htinst(0x1'00002503) == HtinstKind::unknown);    // bits above 31
    CHECK(classify_htinst(0x00002502) == HtinstKind::unknown);
    CHECK(classify_htinst(0x4000) == HtinstKind::unknown);
    CHECK(classify_htinst(0x0000000b) == HtinstKind::unknown);  // custom-0
    CHECK(classify_htinst(0x0000001f) == HtinstKind::unknown);
}

TEST_CASE("a transformed instruction says length and offset", "[instruction]") {
    const auto compressed = decode_transformed(0x00002501);
    REQUIRE(compressed);
    CHECK((compressed == decode_memory_access(0x4188)));  // c.lw a0, 0(a1)

    const auto straddling = decode_transformed(0x00033503);  // ld a0, address offset 6
    REQUIRE(straddling);
    CHECK(straddling->address_offset == 6);
    CHECK(straddling->length == 4);
    CHECK(straddling->reg == 10);
}

TEST_CASE("the transformation of a standard access decodes to the same access", "[instruction]") {
    CHECK(rc::check([](std::uint32_t random) {
        for (const std::uint32_t opcode : {0x03u, 0x07u, 0x23u, 0x27u, 0x2fu}) {
            const std::uint32_t raw = (random & ~0x7fu) | opcode;
            const auto access = decode_memory_access(raw);
            // Fields that the transformation clears: rs1; the immediate of loads (31:20) and of
            // stores (31:25 and 11:7).
            std::uint32_t transformed = raw & ~0x000f'8000u;
            if (opcode == 0x03 || opcode == 0x07) transformed &= 0x000f'ffff;
            if (opcode == 0x23 || opcode == 0x27) transformed &= ~0xfe00'0f80u;
            RC_ASSERT((decode_transformed(transformed) == access));
            if (access) RC_ASSERT(classify_htinst(transformed) == HtinstKind::transformed);
        }
    }));
}

TEST_CASE("instruction lengths", "[instruction]") {
    CHECK(instruction_length(0x0001) == 2);
    CHECK(instruction_length(0x0013) == 4);
    CHECK(instruction_length(0x001f) == 0);
    CHECK(instruction_length(0xffff) == 0);
}

TEST_CASE("loaded values are extended as the instruction says", "[instruction]") {
    const auto extend = [](std::uint8_t width, bool sign, std::uint64_t value) {
        return loaded_value({.width = width, .sign_extend = sign}, value);
    };
    CHECK(extend(2, true, 0xabcd'8000) == 0xffff'ffff'ffff'8000);
    CHECK(extend(2, false, 0xabcd'8000) == 0x8000);
    CHECK(extend(4, true, 0x1'7fff'ffff) == 0x7fff'ffff);
    CHECK(extend(4, true, 0x8000'0000) == 0xffff'ffff'8000'0000);
    CHECK(extend(8, true, 0x8000'0000'0000'0000) == 0x8000'0000'0000'0000);
    CHECK(extend(0, true, 5) == 0);
    CHECK(stored_value({.width = 2}, 0x1'2345) == 0x2345);
    CHECK(stored_value({.width = 8}, ~std::uint64_t{0}) == ~std::uint64_t{0});
}
