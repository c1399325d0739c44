// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/system_instruction.hpp"

#include <array>

#include <cairn/field.hpp>

namespace cairn {
namespace {

using Opcode = Field<6, 0, std::uint8_t, std::uint32_t>;
using Rd = Field<11, 7, std::uint8_t, std::uint32_t>;
using Funct3 = Field<14, 12, std::uint8_t, std::uint32_t>;
using Rs1 = Field<19, 15, std::uint8_t, std::uint32_t>;
using CsrNumber = Field<31, 20, std::uint16_t, std::uint32_t>;

constexpr std::uint8_t opcode_system = 0x73;

// An instruction is the row's if its bits under `mask` are `match`.
struct Row {
    std::uint32_t mask;
    std::uint32_t match;
    std::string_view name;
};

constexpr std::uint32_t whole = 0xffff'ffff;
constexpr std::uint32_t all_but_rs1_rs2 = 0xfe00'7fff;
constexpr std::uint32_t all_but_rd_rs1 = 0xfff0'707f;
constexpr std::uint32_t all_but_rs1 = 0xfff0'7fff;
constexpr std::uint32_t opcode_and_funct3 = 0x0000'707f;

constexpr auto rows = std::to_array<Row>({
    // "RISC-V Privileged Instruction Set Listings".
    {whole, 0x0000'0073, "ecall"},
    {whole, 0x0010'0073, "ebreak"},
    {whole, 0x1020'0073, "sret"},
    {whole, 0x3020'0073, "mret"},
    {whole, 0x1050'0073, "wfi"},
    {all_but_rs1_rs2, 0x1200'0073, "sfence.vma"},
    {all_but_rs1_rs2, 0x2200'0073, "hfence.vvma"},
    {all_but_rs1_rs2, 0x6200'0073, "hfence.gvma"},
    // Svinval.
    {all_but_rs1_rs2, 0x1600'0073, "sinval.vma"},
    {whole, 0x1800'0073, "sfence.w.inval"},
    {whole, 0x1810'0073, "sfence.inval.ir"},
    {all_but_rs1_rs2, 0x2600'0073, "hinval.vvma"},
    {all_but_rs1_rs2, 0x6600'0073, "hinval.gvma"},
    // "Hypervisor Virtual-Machine Load and Store Instructions".
    {all_but_rd_rs1, 0x6000'4073, "hlv.b"},
    {all_but_rd_rs1, 0x6010'4073, "hlv.bu"},
    {all_but_rd_rs1, 0x6400'4073, "hlv.h"},
    {all_but_rd_rs1, 0x6410'4073, "hlv.hu"},
    {all_but_rd_rs1, 0x6430'4073, "hlvx.hu"},
    {all_but_rd_rs1, 0x6800'4073, "hlv.w"},
    {all_but_rd_rs1, 0x6810'4073, "hlv.wu"},
    {all_but_rd_rs1, 0x6830'4073, "hlvx.wu"},
    {all_but_rd_rs1, 0x6c00'4073, "hlv.d"},
    {all_but_rs1_rs2, 0x6200'4073, "hsv.b"},
    {all_but_rs1_rs2, 0x6600'4073, "hsv.h"},
    {all_but_rs1_rs2, 0x6a00'4073, "hsv.w"},
    {all_but_rs1_rs2, 0x6e00'4073, "hsv.d"},
    // Zawrs.
    {whole, 0x00d0'0073, "wrs.nto"},
    {whole, 0x01d0'0073, "wrs.sto"},
    // Zicsr. UNIMP is what assemblers make of it: a write to the read-only cycle.
    {whole, 0xc000'1073, "unimp"},
    {opcode_and_funct3, 0x0000'1073, "csrrw"},
    {opcode_and_funct3, 0x0000'2073, "csrrs"},
    {opcode_and_funct3, 0x0000'3073, "csrrc"},
    {opcode_and_funct3, 0x0000'5073, "csrrwi"},
    {opcode_and_funct3, 0x0000'6073, "csrrsi"},
    {opcode_and_funct3, 0x0000'7073, "csrrci"},
    // Zifencei, Zicbom and Zicboz.
    {whole, 0x0000'100f, "fence.i"},
    {all_but_rs1, 0x0000'200f, "cbo.inval"},
    {all_but_rs1, 0x0010'200f, "cbo.clean"},
    {all_but_rs1, 0x0020'200f, "cbo.flush"},
    {all_but_rs1, 0x0040'200f, "cbo.zero"},
});

}  // namespace

std::optional<CsrInstruction> decode_csr_instruction(std::uint32_t instruction) {
    const std::uint8_t funct3 = Funct3::get(instruction);
    if (Opcode::get(instruction) != opcode_system || (funct3 & 3) == 0) return {};
    return CsrInstruction{.operation = static_cast<CsrOperation>((funct3 & 3) - 1),
                          .immediate = funct3 > 4,
                          .csr = CsrNumber::get(instruction),
                          .rd = Rd::get(instruction),
                          .source = Rs1::get(instruction)};
}

std::string_view instruction_name(std::uint32_t instruction) {
    // The compressed ones: the upper half belongs to the next instruction.
    if ((instruction & 0b11) != 0b11) {
        if ((instruction & 0xffff) == 0) return "c.unimp";
        return (instruction & 0xffff) == 0x9002 ? "c.ebreak" : "";
    }
    for (const Row& row : rows) {
        if ((instruction & row.mask) == row.match) return row.name;
    }
    return {};
}

}  // namespace cairn
