// SPDX-License-Identifier: MIT
// The registers of a vCPU as gdb knows them: numbers, names, widths, and the target description
// that says so ("Debugging with GDB", appendix "Target Descriptions", section "RISC-V Features").
// Numbers are gdb's own for RISC-V (gdb/riscv-tdep.h): CSR n is 65 + n. The CSRs are those that the
// guest's supervisor sees, by its names for them. Pure.
#pragma once

#include <cstdint>
#include <span>

#include <cairn/writer.hpp>
#include "kernel/arch/guest/guest_state.hpp"

namespace cairn {

namespace gdb_register {
inline constexpr std::uint32_t pc = 32;
inline constexpr std::uint32_t first_fp = 33;
inline constexpr std::uint32_t first_csr = 65;
inline constexpr std::uint32_t fflags = first_csr + 1;
inline constexpr std::uint32_t frm = first_csr + 2;
inline constexpr std::uint32_t fcsr = first_csr + 3;
inline constexpr std::uint32_t sip = first_csr + 0x144;
inline constexpr std::uint32_t vstart = first_csr + 0x008;
inline constexpr std::uint32_t vcsr = first_csr + 0x00f;
inline constexpr std::uint32_t vl = first_csr + 0xc20;
inline constexpr std::uint32_t vtype = first_csr + 0xc21;
inline constexpr std::uint32_t vlenb = first_csr + 0xc22;
inline constexpr std::uint32_t privilege = first_csr + 4096;
inline constexpr std::uint32_t first_vector = privilege + 1;
inline constexpr std::uint32_t end = first_vector + 32;
/// x0 to x31 and pc are what packet `g` has; gdb asks for others one by one.
inline constexpr std::uint32_t general = 33;
}  // namespace gdb_register

struct GdbCsr {
    std::uint32_t number;
    const char* name;
    std::uint64_t GuestCsrs::* value;
};
/// All but sip, which is made of the guest's lines, and those of V.
[[nodiscard]] std::span<const GdbCsr> gdb_csrs();
/// Bytes of register `number`, below first_vector, as the target description says.
[[nodiscard]] std::uint32_t gdb_register_size(std::uint32_t number);

/// What else than integer registers a vCPU has.
struct GdbRegisterSets {
    bool fp = false;
    std::uint32_t vector_register_bytes = 0;  ///< of each of v0 to v31; 0: no V
};
/// The target description, of one line.
void write_target_description(const GdbRegisterSets& sets, Writer& out);

}  // namespace cairn
