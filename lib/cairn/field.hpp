// SPDX-License-Identifier: MIT
// A field of a register as a type over an unsigned integer: `Field<17, 12>` names bits 17 to 12 of
// a 64-bit register, `Bit<5>` one bit of it. No object is ever made of either; each only reads and
// changes a raw register value, at compile time where that is known. Language bit-fields are not
// used, because their layout belongs to the ABI and not to the specification.
#pragma once

#include <cstdint>
#include <type_traits>

namespace cairn {

/// Bits `Hi` to `Lo` (both included, 0 is the least significant) of a `Register`, read and written
/// as a `Value`: an unsigned integer, bool, or an enum whose enumerators are the field's values.
template <unsigned Hi, unsigned Lo, class Value = std::uint64_t, class Register = std::uint64_t>
struct Field {
    static_assert(std::is_unsigned_v<Register> && Lo <= Hi && Hi < sizeof(Register) * 8);
    static_assert(!std::is_same_v<Value, bool> || Hi == Lo, "a bool is one bit");

    static constexpr unsigned width = Hi - Lo + 1;
    static constexpr unsigned shift = Lo;
    /// The largest value that the field holds, not shifted.
    static constexpr Register max = static_cast<Register>(static_cast<Register>(~Register{0}) >>
                                                          (sizeof(Register) * 8 - width));
    /// The field's bits, in place.
    static constexpr Register mask = static_cast<Register>(max << Lo);

    /// The field's value in `bits`.
    [[nodiscard]] static constexpr Value get(Register bits) {
        return static_cast<Value>(static_cast<Register>(bits >> Lo) & max);
    }
    /// `value` in place and nothing else; what does not fit is cut off.
    [[nodiscard]] static constexpr Register of(Value value) {
        return static_cast<Register>((static_cast<Register>(value) & max) << Lo);
    }
    /// `bits` with the field replaced by `value`.
    [[nodiscard]] static constexpr Register with(Register bits, Value value) {
        return static_cast<Register>((bits & static_cast<Register>(~mask)) | of(value));
    }
    /// Replaces the field in `bits`.
    static constexpr void set(Register& bits, Value value) { bits = with(bits, value); }
};

/// One bit of a `Register`, as a bool.
template <unsigned N, class Register = std::uint64_t>
using Bit = Field<N, N, bool, Register>;

static_assert(Field<7, 4>::mask == 0xf0 && Field<7, 4>::width == 4 && Field<7, 4>::max == 0xf);
static_assert(Field<63, 0>::mask == ~std::uint64_t{0} && Field<63, 0>::get(~0ULL) == ~0ULL);
static_assert(Field<63, 60>::get(Field<63, 60>::with(0, 8)) == 8);
static_assert(Field<63, 60>::with(~0ULL, 0) == ~0ULL >> 4);
static_assert(Field<7, 4>::with(0xabc, 0x5) == 0xa5c && Field<7, 4>::of(0x15) == 0x50);
static_assert(Bit<63>::get(Bit<63>::mask) && !Bit<63>::get(~Bit<63>::mask));
static_assert(Bit<3, std::uint8_t>::with(0, true) == 8);

}  // namespace cairn
