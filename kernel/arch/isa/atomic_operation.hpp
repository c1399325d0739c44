// SPDX-License-Identifier: MIT
// What an atomic memory operation makes of what it finds in memory: Unprivileged ISA, "A"
// extension, "Zabha" and "Zacas". Pure, like kernel/arch/isa/instruction.hpp.
#pragma once

#include <cstdint>

namespace cairn {

struct AtomicOperation {
    enum class Kind : std::uint8_t { swap, add, exor, conjoin, disjoin, min, max, minu, maxu, cas };

    Kind kind = Kind::swap;
    std::uint8_t operand = 0;  ///< rs2, below 32

    constexpr bool operator==(const AtomicOperation&) const = default;
    /// The value behind it, of `width` bytes; what lies above them counts for nothing. `expected`
    /// is what rd held, for AMOCAS.
    [[nodiscard]] std::uint64_t apply(std::uint64_t found, std::uint64_t operand_value,
                                      std::uint64_t expected, unsigned width) const;
};

/// Of a raw instruction for which `decode_memory_access` says that it is an AMO. Any other gives
/// some operation.
[[nodiscard]] AtomicOperation decode_atomic_operation(std::uint32_t instruction);

}  // namespace cairn
