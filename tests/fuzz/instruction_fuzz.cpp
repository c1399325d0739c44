// SPDX-License-Identifier: MIT
// The decoders on any bits: no crash, answers that are consistent with each other, and the same
// answer for an instruction and for its transformation in htinst.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "kernel/arch/isa/instruction.hpp"
#include "kernel/arch/isa/system_instruction.hpp"

namespace {

using cairn::MemoryAccess;

void check(bool holds) {
    if (!holds) std::abort();
}

void check_access(const MemoryAccess& access, std::uint32_t bits) {
    check(access.length == cairn::instruction_length(static_cast<std::uint16_t>(bits)));
    check(access.width == 1 || access.width == 2 || access.width == 4 || access.width == 8);
    check(access.reg < 32 && access.address_offset == 0);
    check(cairn::stored_value(access, ~std::uint64_t{0}) ==
          ~std::uint64_t{0} >> (64 - access.width * 8));
}

// "Transformed load/store/atomic instruction", the figures of the hypervisor chapter: what is kept
// of a 32-bit instruction, or 0 where none is defined.
std::uint32_t transform_32(std::uint32_t bits) {
    switch (bits & 0x7f) {
        case 0x03:
        case 0x07: return bits & 0x0000'7fff;  // rd, funct3, opcode
        case 0x23:
        case 0x27: return bits & 0x01f0'707f;  // rs2, funct3, opcode
        case 0x2f: return bits & 0xfff0'7fff;  // all but rs1
        default: return 0;
    }
}

// The expansion of a compressed load or store without its immediate and rs1, or 0. Written from
// the table of RVC instructions, not from the decoder under test.
std::uint32_t expand(std::uint32_t bits) {
    const std::uint32_t prime = 8 + ((bits >> 2) & 7);  // rd' and rs2'
    const std::uint32_t rd = (bits >> 7) & 31;
    const std::uint32_t rs2 = (bits >> 2) & 31;
    const auto load = [](std::uint32_t funct3, std::uint32_t reg) {
        return 0x03 | funct3 << 12 | reg << 7;
    };
    const auto store = [](std::uint32_t funct3, std::uint32_t reg) {
        return 0x23 | funct3 << 12 | reg << 20;
    };
    constexpr std::uint32_t fp = 0x04;  // LOAD-FP and STORE-FP differ from LOAD and STORE by this
    switch ((bits & 3) << 4 | ((bits >> 13) & 7)) {
        case 0x01: return load(3, prime) | fp;
        case 0x02: return load(2, prime);
        case 0x03: return load(3, prime);
        case 0x05: return store(3, prime) | fp;
        case 0x06: return store(2, prime);
        case 0x07: return store(3, prime);
        case 0x21: return load(3, rd) | fp;
        case 0x22: return rd == 0 ? 0 : load(2, rd);
        case 0x23: return rd == 0 ? 0 : load(3, rd);
        case 0x25: return store(3, rs2) | fp;
        case 0x26: return store(2, rs2);
        case 0x27: return store(3, rs2);
        default: break;
    }
    switch (bits & 0xfc43) {  // Zcb: bits 15:10, 6 and 1:0
        case 0x8000:
        case 0x8040: return load(4, prime);  // c.lbu: bit 6 belongs to the offset
        case 0x8400: return load(5, prime);
        case 0x8440: return load(1, prime);
        case 0x8800:
        case 0x8840: return store(0, prime);  // c.sb
        case 0x8c00: return store(1, prime);
        default: return 0;
    }
}

void check_transformed(std::uint32_t bits) {
    const bool is_compressed = (bits & 3) != 3;
    const std::uint32_t transformed =
        is_compressed ? expand(bits) & ~std::uint32_t{2} : transform_32(bits);
    const auto raw = cairn::decode_memory_access(bits);
    if (transformed == 0) {
        check(!raw);
        return;
    }
    check(cairn::decode_transformed(transformed) == raw);
    if (raw) check(cairn::classify_htinst(transformed) == cairn::HtinstKind::transformed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::uint64_t value = 0;
    std::memcpy(&value, data, size < sizeof value ? size : sizeof value);
    const auto bits = static_cast<std::uint32_t>(value);

    if (const auto access = cairn::decode_memory_access(bits)) {
        check_access(*access, bits);
        check(cairn::instruction_name(bits).empty());
    }
    check_transformed(bits);

    const auto transformed = cairn::decode_transformed(value);
    check((cairn::classify_htinst(value) == cairn::HtinstKind::transformed) ==
          transformed.has_value());

    if (const auto csr = cairn::decode_csr_instruction(bits)) {
        check(csr->csr < 0x1000 && csr->rd < 32 && csr->source < 32);
        check(!cairn::instruction_name(bits).empty());
    }
    return 0;
}
