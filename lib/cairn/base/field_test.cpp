// SPDX-License-Identifier: MIT
#include "cairn/field.hpp"

#include <rapidcheck.h>

#include <cstdint>

#include "tests/unit/catch.hpp"

using cairn::Bit;
using cairn::Field;

namespace {

enum class Mode : std::uint8_t { bare = 0, sv39 = 8 };

template <class F>
void round_trips(std::uint64_t bits, std::uint64_t value) {
    const std::uint64_t changed = F::with(bits, value);
    RC_ASSERT(F::get(changed) == (value & F::max));
    RC_ASSERT((changed & ~F::mask) == (bits & ~F::mask));
    RC_ASSERT(F::with(bits, F::get(bits)) == bits);
    RC_ASSERT((F::of(value) & ~F::mask) == 0);
    std::uint64_t in_place = bits;
    F::set(in_place, value);
    RC_ASSERT(in_place == changed);
}

}  // namespace

TEST_CASE("a field round-trips and leaves the other bits alone", "[field]") {
    CHECK(rc::check([](std::uint64_t bits, std::uint64_t value) {
        round_trips<Field<63, 0>>(bits, value);
        round_trips<Field<63, 60>>(bits, value);
        round_trips<Field<57, 44>>(bits, value);
        round_trips<Field<43, 0>>(bits, value);
        round_trips<Field<0, 0>>(bits, value);
        round_trips<Field<63, 63>>(bits, value);
    }));
}

TEST_CASE("a field is read as its own type", "[field]") {
    using Translation = Field<63, 60, Mode>;
    CHECK(Translation::get(0x8000'0000'0000'0001) == Mode::sv39);
    CHECK(Translation::with(0xf000'0000'0000'0001, Mode::bare) == 1);
    CHECK(Translation::of(Mode::sv39) == 0x8000'0000'0000'0000);
    CHECK(Bit<5>::get(0x20));
    CHECK_FALSE(Bit<5>::get(~std::uint64_t{0x20}));
    CHECK(Bit<5>::with(0xff, false) == 0xdf);
}

TEST_CASE("a field of a narrow register stays narrow", "[field]") {
    using Low = Field<2, 0, std::uint8_t, std::uint8_t>;
    STATIC_REQUIRE(std::is_same_v<decltype(Low::with(0, 1)), std::uint8_t>);
    CHECK(Low::with(0xff, 2) == 0xfa);
    CHECK(Field<7, 7, bool, std::uint8_t>::mask == 0x80);
}
