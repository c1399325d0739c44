// SPDX-License-Identifier: MIT
// Decodes what a faulting access to an emulated device needs to know: from the instruction's own
// 16 or 32 bits, or from what the hart left in htinst. Pure: values in, values out; no input is
// trusted, every one of the 2^32 (2^64) is answered. tests/checks compares the decoder with LLVM's
// over all 16-bit encodings and a walk of the 32-bit ones.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace cairn {

enum class AccessKind : std::uint8_t {
    load,
    store,
    fp_load,            ///< `reg` is an f-register
    fp_store,           ///< `reg` is an f-register
    amo,                ///< `reg` is rd; reads and writes
    load_reserved,      ///< LR
    store_conditional,  ///< SC; `reg` is rd
};

/// One explicit memory access of an instruction.
struct MemoryAccess {
    AccessKind kind = AccessKind::load;
    std::uint8_t width = 0;    ///< bytes: 1, 2, 4 or 8
    bool sign_extend = false;  ///< what the register gets is sign-extended from `width`
    std::uint8_t reg = 0;      ///< rd of what loads, rs2 of stores
    std::uint8_t length = 0;   ///< of the instruction in bytes, 2 or 4: how far sepc moves on
    std::uint8_t address_offset =
        0;  ///< bytes from the access's first byte to the faulting address

    constexpr bool operator==(const MemoryAccess&) const = default;
    /// Whether a fault of this access is a store/AMO fault.
    [[nodiscard]] constexpr bool is_store() const {
        return kind == AccessKind::store || kind == AccessKind::fp_store ||
               kind == AccessKind::amo || kind == AccessKind::store_conditional;
    }
};

enum class DecodeError : std::uint8_t {
    not_an_access,  ///< no load, store or atomic that is known here (vector, HLV, CBO are not)
    too_long,       ///< encoding of more than 32 bits
};
[[nodiscard]] std::string_view to_string(DecodeError error);

/// Length in bytes of the instruction whose first 16 bits are `parcel`: 2 or 4; 0 for the encodings
/// reserved for longer ones. "Base Instruction-Length Encoding" in the unprivileged specification.
[[nodiscard]] constexpr std::uint8_t instruction_length(std::uint16_t parcel) {
    if ((parcel & 0b11) != 0b11) return 2;
    return (parcel & 0b11100) != 0b11100 ? 4 : 0;
}

/// Decodes a raw RV64 instruction; of a 16-bit one, the upper half of `instruction` is ignored.
[[nodiscard]] std::expected<MemoryAccess, DecodeError> decode_memory_access(
    std::uint32_t instruction);

/// What htinst says about a guest-page fault: "Hypervisor" chapter, section "Transformed
/// Instruction or Pseudoinstruction for mtinst or htinst".
enum class HtinstKind : std::uint8_t {
    none,          ///< 0: the instruction has to be fetched
    transformed,   ///< `decode_transformed` succeeds
    pseudo_read,   ///< the fault is of a read of the guest's own page table
    pseudo_write,  ///< the fault is of an update of A or D in the guest's own page table
    unknown,       ///< custom, reserved, or not decoded here; the same as none
};
[[nodiscard]] HtinstKind classify_htinst(std::uint64_t htinst);

/// Decodes a transformed instruction as htinst holds it: bits 1:0 are 11, or 01 where the trapping
/// instruction was a compressed one; the offset replaces rs1; immediates read as zero.
[[nodiscard]] std::expected<MemoryAccess, DecodeError> decode_transformed(std::uint64_t htinst);

/// What a load puts into its x-register when the device answered `value`: the low `width` bytes,
/// extended as the instruction says.
[[nodiscard]] constexpr std::uint64_t loaded_value(const MemoryAccess& access,
                                                   std::uint64_t value) {
    const unsigned unused = 64 - access.width * 8u;
    if (unused >= 64) return 0;
    const std::uint64_t high = value << unused;
    return access.sign_extend
               ? static_cast<std::uint64_t>(static_cast<std::int64_t>(high) >> unused)
               : high >> unused;
}

/// The low `width` bytes of a register, which is what a store writes.
[[nodiscard]] constexpr std::uint64_t stored_value(const MemoryAccess& access,
                                                   std::uint64_t value) {
    const unsigned unused = 64 - access.width * 8u;
    return unused >= 64 ? 0 : value << unused >> unused;
}

static_assert(loaded_value({.width = 1, .sign_extend = true}, 0x180) == 0xffff'ffff'ffff'ff80);
static_assert(loaded_value({.width = 1, .sign_extend = false}, 0x180) == 0x80);
static_assert(loaded_value({.width = 8, .sign_extend = true}, ~0ULL) == ~0ULL);
static_assert(stored_value({.width = 4}, 0x1'2345'6789) == 0x2345'6789);

}  // namespace cairn
