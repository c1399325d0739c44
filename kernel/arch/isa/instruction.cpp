// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/instruction.hpp"

#include <optional>

#include <cairn/field.hpp>

namespace cairn {
namespace {

template <unsigned Hi, unsigned Lo>
using Bits = Field<Hi, Lo, std::uint8_t, std::uint32_t>;

// "RV32/64G Instruction Set Listings": R, I and S formats share these places.
using Opcode = Bits<6, 0>;
using Rd = Bits<11, 7>;
using Funct3 = Bits<14, 12>;
using Rs1 = Bits<19, 15>;
using Rs2 = Bits<24, 20>;
using Funct5 = Bits<31, 27>;

// Major opcodes, "RISC-V base opcode map".
constexpr std::uint8_t opcode_load = 0x03;
constexpr std::uint8_t opcode_load_fp = 0x07;
constexpr std::uint8_t opcode_store = 0x23;
constexpr std::uint8_t opcode_store_fp = 0x27;
constexpr std::uint8_t opcode_amo = 0x2f;

using Decoded = std::optional<MemoryAccess>;

// LB LH LW LD LBU LHU LWU: funct3 is log2 of the width, plus 4 for zero extension.
Decoded decode_load(std::uint32_t bits) {
    const std::uint8_t funct3 = Funct3::get(bits);
    if (funct3 == 7) return {};
    return MemoryAccess{.kind = AccessKind::load,
                        .width = static_cast<std::uint8_t>(1 << (funct3 & 3)),
                        .sign_extend = funct3 < 4,
                        .reg = Rd::get(bits),
                        .length = 4};
}

Decoded decode_store(std::uint32_t bits) {
    const std::uint8_t funct3 = Funct3::get(bits);
    if (funct3 > 3) return {};
    return MemoryAccess{.kind = AccessKind::store,
                        .width = static_cast<std::uint8_t>(1 << funct3),
                        .reg = Rs2::get(bits),
                        .length = 4};
}

// FLH FLW FLD and FSH FSW FSD; FLQ and the vector loads and stores share the opcode.
Decoded decode_fp(std::uint32_t bits, AccessKind kind) {
    const std::uint8_t funct3 = Funct3::get(bits);
    if (funct3 < 1 || funct3 > 3) return {};
    return MemoryAccess{.kind = kind,
                        .width = static_cast<std::uint8_t>(1 << funct3),
                        .reg = kind == AccessKind::fp_load ? Rd::get(bits) : Rs2::get(bits),
                        .length = 4};
}

// "A" and the Zabha and Zacas extensions (AMOCAS.Q, of 16 bytes, is not decoded).
Decoded decode_atomic(std::uint32_t bits) {
    const std::uint8_t funct3 = Funct3::get(bits);
    if (funct3 > 3) return {};
    AccessKind kind = AccessKind::amo;
    switch (Funct5::get(bits)) {
        case 0b00010:
            if (Rs2::get(bits) != 0 || funct3 < 2) return {};
            kind = AccessKind::load_reserved;
            break;
        case 0b00011:
            if (funct3 < 2) return {};
            kind = AccessKind::store_conditional;
            break;
        case 0b00000:  // AMOADD
        case 0b00001:  // AMOSWAP
        case 0b00100:  // AMOXOR
        case 0b00101:  // AMOCAS
        case 0b01000:  // AMOOR
        case 0b01100:  // AMOAND
        case 0b10000:  // AMOMIN
        case 0b10100:  // AMOMAX
        case 0b11000:  // AMOMINU
        case 0b11100:  // AMOMAXU
            break;
        default: return {};
    }
    return MemoryAccess{.kind = kind,
                        .width = static_cast<std::uint8_t>(1 << funct3),
                        .sign_extend = kind != AccessKind::store_conditional,
                        .reg = Rd::get(bits),
                        .length = 4};
}

Decoded decode_32(std::uint32_t bits) {
    switch (Opcode::get(bits)) {
        case opcode_load: return decode_load(bits);
        case opcode_load_fp: return decode_fp(bits, AccessKind::fp_load);
        case opcode_store: return decode_store(bits);
        case opcode_store_fp: return decode_fp(bits, AccessKind::fp_store);
        case opcode_amo: return decode_atomic(bits);
        default: return {};
    }
}

Decoded compressed(AccessKind kind, std::uint8_t width, std::uint8_t reg, bool sign_extend) {
    return MemoryAccess{
        .kind = kind, .width = width, .sign_extend = sign_extend, .reg = reg, .length = 2};
}

// "Zcb": C.LBU C.LHU C.LH C.SB C.SH; bits 12:10 select, bit 6 tells C.LH from C.LHU.
Decoded decode_zcb(std::uint32_t bits, std::uint8_t reg) {
    const bool bit6 = Bit<6, std::uint32_t>::get(bits);
    switch (Bits<12, 10>::get(bits)) {
        case 0b000: return compressed(AccessKind::load, 1, reg, false);
        case 0b001: return compressed(AccessKind::load, 2, reg, bit6);
        case 0b010: return compressed(AccessKind::store, 1, reg, false);
        case 0b011:
            if (bit6) return {};
            return compressed(AccessKind::store, 2, reg, false);
        default: return {};
    }
}

// "C" extension, "RVC Instruction Set Listings", quadrant 0, RV64: rd' and rs2' are x8 to x15.
Decoded decode_quadrant_0(std::uint32_t bits) {
    const auto reg = static_cast<std::uint8_t>(8 + Bits<4, 2>::get(bits));
    switch (Bits<15, 13>::get(bits)) {
        case 0b001: return compressed(AccessKind::fp_load, 8, reg, false);  // C.FLD
        case 0b010: return compressed(AccessKind::load, 4, reg, true);      // C.LW
        case 0b011: return compressed(AccessKind::load, 8, reg, true);      // C.LD
        case 0b100: return decode_zcb(bits, reg);
        case 0b101: return compressed(AccessKind::fp_store, 8, reg, false);  // C.FSD
        case 0b110: return compressed(AccessKind::store, 4, reg, false);     // C.SW
        case 0b111: return compressed(AccessKind::store, 8, reg, false);     // C.SD
        default: return {};
    }
}

// Quadrant 2, RV64: relative to sp, all 32 registers; C.LWSP and C.LDSP to x0 are reserved.
Decoded decode_quadrant_2(std::uint32_t bits) {
    const std::uint8_t rd = Rd::get(bits);
    const std::uint8_t rs2 = Bits<6, 2>::get(bits);
    switch (Bits<15, 13>::get(bits)) {
        case 0b001: return compressed(AccessKind::fp_load, 8, rd, false);  // C.FLDSP
        case 0b010:                                                        // C.LWSP
            if (rd == 0) return {};
            return compressed(AccessKind::load, 4, rd, true);
        case 0b011:  // C.LDSP
            if (rd == 0) return {};
            return compressed(AccessKind::load, 8, rd, true);
        case 0b101: return compressed(AccessKind::fp_store, 8, rs2, false);  // C.FSDSP
        case 0b110: return compressed(AccessKind::store, 4, rs2, false);     // C.SWSP
        case 0b111: return compressed(AccessKind::store, 8, rs2, false);     // C.SDSP
        default: return {};
    }
}

Decoded decode_16(std::uint32_t bits) {
    switch (bits & 0b11) {
        case 0b00: return decode_quadrant_0(bits);
        case 0b10: return decode_quadrant_2(bits);
        default: return {};
    }
}

}  // namespace

std::string_view to_string(DecodeError error) {
    switch (error) {
        case DecodeError::not_an_access: return "not a load, store or atomic that Cairn decodes";
        case DecodeError::too_long: return "an encoding of more than 32 bits";
    }
    return "an unknown decode error";
}

std::expected<MemoryAccess, DecodeError> decode_memory_access(std::uint32_t instruction) {
    const std::uint8_t length = instruction_length(static_cast<std::uint16_t>(instruction));
    if (length == 0) return std::unexpected(DecodeError::too_long);
    const Decoded access = length == 2 ? decode_16(instruction) : decode_32(instruction);
    if (!access) return std::unexpected(DecodeError::not_an_access);
    return *access;
}

std::expected<MemoryAccess, DecodeError> decode_transformed(std::uint64_t htinst) {
    // "must also confirm that bits 63:32 are all zeros", the same section says.
    if (htinst >> 32 != 0 || (htinst & 1) == 0) return std::unexpected(DecodeError::not_an_access);
    const auto bits = static_cast<std::uint32_t>(htinst);
    auto access = decode_memory_access(bits | 0b10);
    if (!access) return access;
    access->length = (bits & 0b10) != 0 ? 4 : 2;
    access->address_offset = Rs1::get(bits);
    return access;
}

HtinstKind classify_htinst(std::uint64_t htinst) {
    switch (htinst) {
        case 0: return HtinstKind::none;
        // Table "Special pseudoinstruction values for guest-page faults": 32-bit and 64-bit entry.
        case 0x2000:
        case 0x3000: return HtinstKind::pseudo_read;
        case 0x2020:
        case 0x3020: return HtinstKind::pseudo_write;
        default: return decode_transformed(htinst) ? HtinstKind::transformed : HtinstKind::unknown;
    }
}

}  // namespace cairn
