// SPDX-License-Identifier: MIT
// The instructions that make a guest trap without being a memory access: CSR accesses, decoded so
// that they can be emulated, and the others by name so that a log can say what the guest tried.
// Pure; every value of the input is answered.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cairn {

enum class CsrOperation : std::uint8_t { write, set, clear };

/// CSRRW, CSRRS, CSRRC and their immediate forms ("Zicsr" extension).
struct CsrInstruction {
    CsrOperation operation = CsrOperation::write;
    bool immediate = false;   ///< `source` is the value itself, not a register
    std::uint16_t csr = 0;    ///< the number; kernel/arch/isa/csr.hpp names the known ones
    std::uint8_t rd = 0;      ///< the old value goes to x[rd]
    std::uint8_t source = 0;  ///< rs1, or the 5-bit immediate

    constexpr bool operator==(const CsrInstruction&) const = default;
    /// CSRRS and CSRRC with x0 or 0 do not write at all, and so are legal on read-only CSRs.
    [[nodiscard]] constexpr bool writes() const {
        return operation == CsrOperation::write || source != 0;
    }
    /// What the CSR holds afterwards; `operand` is x[source] or the immediate.
    [[nodiscard]] constexpr std::uint64_t result(std::uint64_t old, std::uint64_t operand) const {
        switch (operation) {
            case CsrOperation::set: return old | operand;
            case CsrOperation::clear: return old & ~operand;
            case CsrOperation::write: break;
        }
        return operand;
    }
};

/// The CSR access in `instruction`, or nothing where it is no such instruction.
[[nodiscard]] std::optional<CsrInstruction> decode_csr_instruction(std::uint32_t instruction);

/// Whether `instruction` is WFI, which traps under hstatus.VTW.
[[nodiscard]] constexpr bool is_wfi(std::uint32_t instruction) {
    return instruction == 0x1050'0073;
}

/// The assembler's name of a privileged, hypervisor, fence, cache-block or CSR instruction, such as
/// "hfence.gvma" or "csrrw"; empty for every other.
[[nodiscard]] std::string_view instruction_name(std::uint32_t instruction);

}  // namespace cairn
