// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/system_instruction.hpp"

#include <rapidcheck.h>

#include <cstdint>

#include "kernel/arch/isa/csr.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("CSR instructions are decoded", "[system_instruction]") {
    const auto read = decode_csr_instruction(0xc010'2573);  // csrrs a0, time, zero
    REQUIRE(read);
    CHECK(read->operation == CsrOperation::set);
    CHECK(read->csr == static_cast<std::uint16_t>(Csr::time));
    CHECK(read->rd == 10);
    CHECK_FALSE(read->writes());

    const auto clear = decode_csr_instruction(0x1001'7073);  // csrrci zero, sstatus, 2
    REQUIRE(clear);
    CHECK(*clear == CsrInstruction{.operation = CsrOperation::clear,
                                   .immediate = true,
                                   .csr = 0x100,
                                   .rd = 0,
                                   .source = 2});
    CHECK(clear->writes());
    CHECK(clear->result(0xff, 2) == 0xfd);

    const auto swap = decode_csr_instruction(0x1400'1073);  // csrrw zero, sscratch, zero
    REQUIRE(swap);
    CHECK(swap->writes());
    CHECK(swap->result(0xff, 0) == 0);

    CHECK_FALSE(decode_csr_instruction(0x0000'0073));  // ecall
    CHECK_FALSE(decode_csr_instruction(0x6000'4073));  // hlv.b
    CHECK_FALSE(decode_csr_instruction(0x0000'1013));  // slli
}

TEST_CASE("instructions that trap have names", "[system_instruction]") {
    CHECK(instruction_name(0x1050'0073) == "wfi");
    CHECK(is_wfi(0x1050'0073));
    CHECK(instruction_name(0x1020'0073) == "sret");
    CHECK(instruction_name(0x6200'0073) == "hfence.gvma");
    CHECK(instruction_name(0x62b5'0073) == "hfence.gvma");
    CHECK(instruction_name(0x6c05'c573) == "hlv.d");
    CHECK(instruction_name(0x6800'2573) == "csrrs");
    CHECK(instruction_name(0x0040'200f) == "cbo.zero");
    CHECK(instruction_name(0xc000'1073) == "unimp");
    CHECK(instruction_name(0xdead'0000) == "c.unimp");
    CHECK(instruction_name(0x0000'0013).empty());
    CHECK(instruction_name(0x1050'00f3).empty());
}

TEST_CASE("a CSR instruction has its name, and only that", "[system_instruction]") {
    CHECK(rc::check([](std::uint32_t bits) {
        for (const std::uint32_t instruction : {bits, (bits & ~0x7fu) | 0x73}) {
            if (instruction == 0xc000'1073) continue;  // unimp
            const auto csr = decode_csr_instruction(instruction);
            RC_ASSERT(csr.has_value() == instruction_name(instruction).starts_with("csrr"));
        }
    }));
}
