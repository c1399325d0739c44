// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/arch/isa/next_instruction.hpp"

#include <cairn/field.hpp>
#include "kernel/arch/isa/instruction.hpp"

namespace cairn {
namespace {

using Places = static_vector<std::uint64_t, 2>;

template <unsigned Hi, unsigned Lo>
using Bits = Field<Hi, Lo, std::uint32_t, std::uint32_t>;

// "RV32/64G Instruction Set Listings".
constexpr std::uint32_t opcode_branch = 0x63;
constexpr std::uint32_t opcode_jalr = 0x67;
constexpr std::uint32_t opcode_jal = 0x6f;
constexpr std::uint32_t sret = 0x1020'0073;

/// `value`, whose bit `sign` is its sign.
constexpr std::uint64_t extended(std::uint32_t value, unsigned sign) {
    const std::uint64_t top = std::uint64_t{1} << sign;
    return (value ^ top) - top;
}

// "Immediate Encoding Variants".
std::uint64_t i_immediate(std::uint32_t bits) {
    return extended(Bits<31, 20>::get(bits), 11);
}
std::uint64_t b_immediate(std::uint32_t bits) {
    return extended(Bits<31, 31>::get(bits) << 12 | Bits<7, 7>::get(bits) << 11 |
                        Bits<30, 25>::get(bits) << 5 | Bits<11, 8>::get(bits) << 1,
                    12);
}
std::uint64_t j_immediate(std::uint32_t bits) {
    return extended(Bits<31, 31>::get(bits) << 20 | Bits<19, 12>::get(bits) << 12 |
                        Bits<20, 20>::get(bits) << 11 | Bits<30, 21>::get(bits) << 1,
                    20);
}

// "Compressed Instruction Formats": CJ and CB.
std::uint64_t cj_immediate(std::uint32_t bits) {
    return extended(Bits<12, 12>::get(bits) << 11 | Bits<8, 8>::get(bits) << 10 |
                        Bits<10, 9>::get(bits) << 8 | Bits<6, 6>::get(bits) << 7 |
                        Bits<7, 7>::get(bits) << 6 | Bits<2, 2>::get(bits) << 5 |
                        Bits<11, 11>::get(bits) << 4 | Bits<5, 3>::get(bits) << 1,
                    11);
}
std::uint64_t cb_immediate(std::uint32_t bits) {
    return extended(Bits<12, 12>::get(bits) << 8 | Bits<6, 5>::get(bits) << 6 |
                        Bits<2, 2>::get(bits) << 5 | Bits<11, 10>::get(bits) << 3 |
                        Bits<4, 3>::get(bits) << 1,
                    8);
}

Places after_short(std::uint32_t bits, std::uint64_t pc, const Registers& x) {
    const std::uint32_t quadrant = Bits<1, 0>::get(bits);
    const std::uint32_t funct3 = Bits<15, 13>::get(bits);
    if (quadrant == 1 && funct3 == 0b101) return {pc + cj_immediate(bits)};  // C.J
    if (quadrant == 1 && funct3 >= 0b110)                                    // C.BEQZ, C.BNEZ
        return {pc + 2, pc + cb_immediate(bits)};
    const std::uint32_t source = Bits<11, 7>::get(bits);
    const bool is_jump = quadrant == 2 && funct3 == 0b100 && Bits<6, 2>::get(bits) == 0;
    if (is_jump && source != 0) return {x[source] & ~std::uint64_t{1}};  // C.JR, C.JALR
    return {pc + 2};
}

}  // namespace

Places next_instructions(std::uint32_t instruction, std::uint64_t pc, const Registers& x,
                         std::uint64_t sepc) {
    if (instruction_length(static_cast<std::uint16_t>(instruction)) == 2)
        return after_short(instruction, pc, x);
    if (instruction == sret) return {sepc & ~std::uint64_t{1}};
    switch (Bits<6, 0>::get(instruction)) {
        case opcode_jal: return {pc + j_immediate(instruction)};
        case opcode_branch: return {pc + 4, pc + b_immediate(instruction)};
        case opcode_jalr:
            return {(x[Bits<19, 15>::get(instruction)] + i_immediate(instruction)) &
                    ~std::uint64_t{1}};
        default: return {pc + 4};
    }
}

}  // namespace cairn
