// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/access_address.hpp"

#include <cairn/field.hpp>

namespace cairn {
namespace {

template <unsigned Hi, unsigned Lo>
using Bits = Field<Hi, Lo, std::uint32_t, std::uint32_t>;

// "RV32/64G Instruction Set Listings": the I, S and R formats.
using Opcode = Bits<6, 0>;
using Rs1 = Bits<19, 15>;
constexpr std::uint32_t opcode_amo = 0x2f;
constexpr std::uint32_t store_bit = 0x20;  // of the opcode: STORE and STORE-FP have it, loads not

constexpr std::uint8_t stack_pointer = 2;

/// A 12-bit immediate, sign-extended.
std::int16_t sign_extended(std::uint32_t immediate) {
    return static_cast<std::int16_t>(static_cast<std::int16_t>(immediate << 4) >> 4);
}

AccessAddress address_32(std::uint32_t bits) {
    const auto base = static_cast<std::uint8_t>(Rs1::get(bits));
    if (Opcode::get(bits) == opcode_amo) return {.base = base};
    const std::uint32_t immediate = (bits & store_bit) != 0
                                        ? Bits<31, 25>::get(bits) << 5 | Bits<11, 7>::get(bits)
                                        : Bits<31, 20>::get(bits);
    return {.base = base, .offset = sign_extended(immediate)};
}

// "C" extension, "RVC Instruction Set Listings", and "Zcb": quadrant 0, rs1' is x8 to x15.
std::uint32_t offset_of_quadrant_0(std::uint32_t bits) {
    const std::uint32_t middle = Bits<12, 10>::get(bits) << 3;
    switch (Bits<15, 13>::get(bits)) {
        case 0b010:  // C.LW
        case 0b110:  // C.SW
            return middle | Bits<6, 6>::get(bits) << 2 | Bits<5, 5>::get(bits) << 6;
        case 0b100: {  // Zcb: bit 10 tells halves from bytes
            const std::uint32_t high = Bits<5, 5>::get(bits) << 1;
            return Bits<10, 10>::get(bits) != 0 ? high : high | Bits<6, 6>::get(bits);
        }
        default:  // C.FLD C.LD C.FSD C.SD
            return middle | Bits<6, 5>::get(bits) << 6;
    }
}

// Quadrant 2: relative to sp.
std::uint32_t offset_of_quadrant_2(std::uint32_t bits) {
    switch (Bits<15, 13>::get(bits)) {
        case 0b010:  // C.LWSP
            return Bits<12, 12>::get(bits) << 5 | Bits<6, 4>::get(bits) << 2 |
                   Bits<3, 2>::get(bits) << 6;
        case 0b110:  // C.SWSP
            return Bits<12, 9>::get(bits) << 2 | Bits<8, 7>::get(bits) << 6;
        case 0b101:  // C.FSDSP
        case 0b111:  // C.SDSP
            return Bits<12, 10>::get(bits) << 3 | Bits<9, 7>::get(bits) << 6;
        default:  // C.FLDSP C.LDSP
            return Bits<12, 12>::get(bits) << 5 | Bits<6, 5>::get(bits) << 3 |
                   Bits<4, 2>::get(bits) << 6;
    }
}

AccessAddress address_16(std::uint32_t bits) {
    if ((bits & 0b11) == 0b10) {
        return {.base = stack_pointer,
                .offset = static_cast<std::int16_t>(offset_of_quadrant_2(bits))};
    }
    return {.base = static_cast<std::uint8_t>(8 + Bits<9, 7>::get(bits)),
            .offset = static_cast<std::int16_t>(offset_of_quadrant_0(bits))};
}

}  // namespace

AccessAddress decode_access_address(std::uint32_t instruction) {
    return (instruction & 0b11) == 0b11 ? address_32(instruction) : address_16(instruction);
}

}  // namespace cairn
