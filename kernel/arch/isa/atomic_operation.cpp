// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/arch/isa/atomic_operation.hpp"

#include <algorithm>

#include <cairn/field.hpp>
#include "kernel/arch/isa/instruction.hpp"

namespace cairn {
namespace {

using Rs2 = Field<24, 20, std::uint8_t, std::uint32_t>;
using Funct5 = Field<31, 27, std::uint8_t, std::uint32_t>;

AtomicOperation::Kind kind_of(std::uint8_t funct5) {
    using enum AtomicOperation::Kind;
    switch (funct5) {
        case 0b00000: return add;
        case 0b00100: return exor;
        case 0b00101: return cas;
        case 0b01000: return disjoin;
        case 0b01100: return conjoin;
        case 0b10000: return min;
        case 0b10100: return max;
        case 0b11000: return minu;
        case 0b11100: return maxu;
        default: return swap;
    }
}

}  // namespace

AtomicOperation decode_atomic_operation(std::uint32_t instruction) {
    return {.kind = kind_of(Funct5::get(instruction)), .operand = Rs2::get(instruction)};
}

std::uint64_t AtomicOperation::apply(std::uint64_t found, std::uint64_t operand_value,
                                     std::uint64_t expected, unsigned width) const {
    const MemoryAccess wide{.width = static_cast<std::uint8_t>(width), .sign_extend = true};
    const std::uint64_t old = stored_value(wide, found);
    const std::uint64_t with = stored_value(wide, operand_value);
    const auto is_less = [&wide](std::uint64_t a, std::uint64_t b) {
        return static_cast<std::int64_t>(loaded_value(wide, a)) <
               static_cast<std::int64_t>(loaded_value(wide, b));
    };
    switch (kind) {
        case Kind::swap: return with;
        case Kind::add: return stored_value(wide, old + with);
        case Kind::exor: return old ^ with;
        case Kind::conjoin: return old & with;
        case Kind::disjoin: return old | with;
        case Kind::min: return std::min(old, with, is_less);
        case Kind::max: return std::max(old, with, is_less);
        case Kind::minu: return std::min(old, with);
        case Kind::maxu: return std::max(old, with);
        case Kind::cas: return old == stored_value(wide, expected) ? with : old;
    }
    return old;
}

}  // namespace cairn
