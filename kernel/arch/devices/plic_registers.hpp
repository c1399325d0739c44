// SPDX-License-Identifier: MIT
// The register blocks of a PLIC, for the emulated device and for the driver of a real one.
// Source: RISC-V Platform-Level Interrupt Controller Specification 1.0.0, "Memory Map" and the
// sections of each block. All registers are 32 bits wide and accessed whole.
#pragma once

#include <cstdint>

namespace cairn::plic {

inline constexpr std::uint64_t priority_base = 0x00'0000;  ///< Interrupt Priorities
inline constexpr std::uint64_t pending_base = 0x00'1000;   ///< Interrupt Pending Bits
inline constexpr std::uint64_t enable_base = 0x00'2000;    ///< Interrupt Enables
inline constexpr std::uint64_t context_base = 0x20'0000;   ///< Thresholds, Claim/Complete
inline constexpr std::uint64_t block_end = 0x400'0000;     ///< end of the map for 15872 contexts

inline constexpr std::uint64_t enable_stride = 0x80;     ///< from context to context
inline constexpr std::uint64_t context_stride = 0x1000;  ///< from context to context
inline constexpr std::uint64_t threshold_offset = 0;     ///< in a context's block
inline constexpr std::uint64_t claim_offset = 4;         ///< read claims, write completes

inline constexpr std::uint32_t source_limit = 1024;  ///< ids 1 to 1023; 0 is "no interrupt"

/// Where the registers lie, from the start of the PLIC.
[[nodiscard]] constexpr std::uint64_t priority(std::uint32_t id) {
    return priority_base + std::uint64_t{id} * 4;
}
[[nodiscard]] constexpr std::uint64_t pending(std::uint32_t id) {
    return pending_base + std::uint64_t{id / 32} * 4;
}
[[nodiscard]] constexpr std::uint64_t enable(std::uint32_t context, std::uint32_t id) {
    return enable_base + context * enable_stride + std::uint64_t{id / 32} * 4;
}
[[nodiscard]] constexpr std::uint64_t threshold(std::uint32_t context) {
    return context_base + context * context_stride + threshold_offset;
}
[[nodiscard]] constexpr std::uint64_t claim(std::uint32_t context) {
    return context_base + context * context_stride + claim_offset;
}

static_assert(enable(15871, 1023) == 0x1f'1ffc);
static_assert(claim(15871) == 0x3ff'f004);

/// The contexts of a hart in QEMU's and most boards' layout: M-mode first, then S-mode.
inline constexpr std::uint32_t contexts_per_hart = 2;
[[nodiscard]] constexpr std::uint32_t machine_context(std::uint32_t hart) {
    return contexts_per_hart * hart;
}
[[nodiscard]] constexpr std::uint32_t supervisor_context(std::uint32_t hart) {
    return contexts_per_hart * hart + 1;
}

}  // namespace cairn::plic
