// SPDX-License-Identifier: MIT
#include "kernel/arch/devices/uart16550_character.hpp"

#include "tests/unit/catch.hpp"

using namespace cairn;
using uart16550::Character;
using uart16550::CharacterReader;

namespace {

constexpr std::uint8_t data_ready = 0x61;  // with THRE and TEMT
constexpr std::uint8_t oe = 0x02;
constexpr std::uint8_t fe = 0x08;
constexpr std::uint8_t bi = 0x10;
constexpr std::byte zero{0};
constexpr std::byte letter{'a'};

}  // namespace

TEST_CASE("a character has the errors of the LSR read before it", "[uart16550_character]") {
    CharacterReader reader;
    reader.saw(data_ready | fe | 0x80);
    CHECK(reader.take(letter) == Character{letter, fe});
    reader.saw(data_ready);
    CHECK(reader.take(letter) == Character{letter, 0});
    reader.saw(data_ready | bi | fe);
    CHECK(reader.take(zero) == Character{zero, bi | fe});
}

TEST_CASE("errors that a transmitter's poll has reset are not lost", "[uart16550_character]") {
    CharacterReader reader;
    reader.saw(data_ready | bi);
    reader.saw(data_ready);
    CHECK(reader.take(zero) == Character{zero, bi});
    CHECK(reader.take(zero) == Character{zero, 0});
}

TEST_CASE("a break goes to the zero that it is", "[uart16550_character]") {
    CharacterReader reader;
    reader.saw(data_ready | bi | oe);  // QEMU: behind two letters
    CHECK(reader.take(letter) == Character{letter, oe});
    CHECK(reader.take(letter) == Character{letter, 0});
    CHECK(reader.take(zero) == Character{zero, bi});
    CHECK(reader.take(zero) == Character{zero, 0});
}

TEST_CASE("a break that has no zero is forgotten with the last character",
          "[uart16550_character]") {
    CharacterReader reader;
    reader.saw(data_ready | bi);
    CHECK(reader.take(letter) == Character{letter, 0});
    reader.is_drained();
    CHECK(reader.take(zero) == Character{zero, 0});
}
