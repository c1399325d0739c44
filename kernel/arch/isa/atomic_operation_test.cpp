// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/atomic_operation.hpp"

#include <limits>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Kind = AtomicOperation::Kind;

/// Instructions of the assembler, amoX.w a0, a2, (a1), and what they make of 5 and 3.
TEST_CASE("each operation, by its encoding", "[atomic_operation]") {
    struct Row {
        std::uint32_t instruction;
        Kind kind;
        std::uint64_t result;
    };
    constexpr Row rows[]{
        {0x00c5'a52f, Kind::add, 8},     {0x08c5'a52f, Kind::swap, 3},
        {0x20c5'a52f, Kind::exor, 6},    {0x60c5'a52f, Kind::conjoin, 1},
        {0x40c5'a52f, Kind::disjoin, 7}, {0x80c5'a52f, Kind::min, 3},
        {0xa0c5'a52f, Kind::max, 5},     {0xc0c5'a52f, Kind::minu, 3},
        {0xe0c5'a52f, Kind::maxu, 5},    {0x28c5'a52f, Kind::cas, 5},
    };
    for (const Row& row : rows) {
        const AtomicOperation operation = decode_atomic_operation(row.instruction);
        CHECK(operation == AtomicOperation{.kind = row.kind, .operand = 12});
        CHECK(operation.apply(5, 3, 4, 4) == row.result);
    }
    CHECK(AtomicOperation{.kind = Kind::cas}.apply(5, 3, 5, 4) == 3);
}

TEST_CASE("what lies above the width counts for nothing", "[atomic_operation]") {
    constexpr std::uint64_t above = 0xabcd'0000'0000'0000;
    CHECK(AtomicOperation{.kind = Kind::add}.apply(0xff | above, 2, 0, 1) == 1);
    CHECK(AtomicOperation{.kind = Kind::swap}.apply(0, above | 7, 0, 2) == 7);
    CHECK(AtomicOperation{.kind = Kind::cas}.apply(9 | above, 1, 9, 4) == 1);
    CHECK(AtomicOperation{.kind = Kind::maxu}.apply(above, 7, 0, 4) == 7);
}

TEST_CASE("signs are those of the width", "[atomic_operation]") {
    for (const unsigned width : {1u, 2u, 4u, 8u}) {
        const std::uint64_t minus_one =
            std::numeric_limits<std::uint64_t>::max() >> (64 - 8 * width);
        CHECK(AtomicOperation{.kind = Kind::min}.apply(minus_one, 1, 0, width) == minus_one);
        CHECK(AtomicOperation{.kind = Kind::max}.apply(minus_one, 1, 0, width) == 1);
        CHECK(AtomicOperation{.kind = Kind::minu}.apply(minus_one, 1, 0, width) == 1);
        CHECK(AtomicOperation{.kind = Kind::maxu}.apply(minus_one, 1, 0, width) == minus_one);
        CHECK(AtomicOperation{.kind = Kind::add}.apply(minus_one, 1, 0, width) == 0);
    }
}

}  // namespace
}  // namespace cairn
