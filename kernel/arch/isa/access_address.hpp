// SPDX-License-Identifier: MIT
// Where an instruction that accesses memory finds its address: a register and what is added to it.
// Needed where the hart does not tell the access's first byte: the address that faulted is that of
// a later one if a misaligned access crosses the end of a page. Pure, like kernel/arch/instruction.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/arch/start/kernel_frame.hpp"

namespace cairn {

struct AccessAddress {
    std::uint8_t base = 0;    ///< rs1, below 32
    std::int16_t offset = 0;  ///< the immediate

    constexpr bool operator==(const AccessAddress&) const = default;
    /// The virtual address of the access's first byte.
    [[nodiscard]] constexpr std::uint64_t in(const Registers& x) const {
        return x[base] + static_cast<std::uint64_t>(std::int64_t{offset});
    }
};

/// The address of a raw RV64 instruction for which `decode_memory_access` succeeds; of a 16-bit
/// one, the upper half of `instruction` is ignored. Any other gives some address.
[[nodiscard]] AccessAddress decode_access_address(std::uint32_t instruction);

}  // namespace cairn
