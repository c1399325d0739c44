// SPDX-License-Identifier: MIT
// Encodings are those of llvm-mc for the instructions beside them.
#include "kernel/arch/isa/next_instruction.hpp"

#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t pc = 0xffff'ffff'8000'1000;
constexpr std::uint64_t sepc = 0x1'2345;

std::vector<std::uint64_t> after(std::uint32_t instruction) {
    Registers x{};
    for (std::size_t n = 1; n < x.size(); ++n)
        x[n] = 0x1000 * n + 1;
    const auto places = next_instructions(instruction, pc, x, sepc);
    return {places.begin(), places.end()};
}

using Places = std::vector<std::uint64_t>;

TEST_CASE("most go on behind themselves", "[next_instruction]") {
    CHECK(after(0x00000013) == Places{pc + 4});  // nop
    CHECK(after(0x00000073) == Places{pc + 4});  // ecall
    CHECK(after(0x12340001) == Places{pc + 2});  // c.nop
    CHECK(after(0x9002) == Places{pc + 2});      // c.ebreak
    CHECK(after(0x8526) == Places{pc + 2});      // c.mv a0, s1
    CHECK(after(0x952e) == Places{pc + 2});      // c.add a0, a1
}

TEST_CASE("jumps go where they say", "[next_instruction]") {
    CHECK(after(0x7f8000ef) == Places{pc + 0x7f8});      // jal ra, .+0x7f8
    CHECK(after(0x801ff06f) == Places{pc - 0x800});      // j .-0x800
    CHECK(after(0x8000006f) == Places{pc - 0x100000});   // j .-0x100000
    CHECK(after(0xffc500e7) == Places{0xa001 - 4 - 1});  // jalr ra, -4(a0)
    CHECK(after(0x8082) == Places{0x1000});              // ret
    CHECK(after(0x9502) == Places{0xa000});              // c.jalr a0
    CHECK(after(0xbffd) == Places{pc - 2});              // c.j .-2
    CHECK(after(0xaffd) == Places{pc + 0x7fe});          // c.j .+0x7fe
    CHECK(after(0x10200073) == Places{sepc & ~1ull});    // sret
}

TEST_CASE("branches go either way", "[next_instruction]") {
    CHECK(after(0x7eb50fe3) == Places{pc + 4, pc + 0xffe});   // beq a0, a1, .+0xffe
    CHECK(after(0x80b51063) == Places{pc + 4, pc - 0x1000});  // bne a0, a1, .-0x1000
    CHECK(after(0xdd7d) == Places{pc + 2, pc - 2});           // c.beqz a0, .-2
    CHECK(after(0xed7d) == Places{pc + 2, pc + 0xfe});        // c.bnez a0, .+0xfe
}

}  // namespace
}  // namespace cairn
