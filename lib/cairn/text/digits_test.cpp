// SPDX-License-Identifier: MIT
#include "cairn/text/digits.hpp"

#include <rapidcheck.h>

#include <charconv>
#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct Taken {
    std::optional<std::uint64_t> number;
    std::string_view rest;
    bool operator==(const Taken&) const = default;
};

constexpr Taken take(std::string_view text, unsigned base) {
    const auto number = take_digits(text, base);
    return {number, text};
}

static_assert(take("1f", 16) == Taken{0x1f, ""});
static_assert(!digit_value('8', 8) && digit_value('7', 8) == 7u);

}  // namespace

TEST_CASE("every character is a digit of the bases that have it", "[digits]") {
    const std::string_view digits = "0123456789abcdef";
    const std::string_view capitals = "0123456789ABCDEF";
    for (unsigned base = 2; base <= 16; ++base) {
        for (int c = -128; c < 128; ++c) {
            const char character = static_cast<char>(c);
            const std::size_t value = std::min(digits.find(character), capitals.find(character));
            const auto expected =
                value < base ? std::optional<unsigned>(static_cast<unsigned>(value)) : std::nullopt;
            CHECK(digit_value(character, base) == expected);
        }
    }
}

TEST_CASE("digits are taken as far as they go", "[digits]") {
    CHECK(take("123abc", 10) == Taken{123, "abc"});
    CHECK(take("123abc", 16) == Taken{0x123abc, ""});
    CHECK(take("DeadBeef.", 16) == Taken{0xdeadbeef, "."});
    CHECK(take("0778", 8) == Taken{077, "8"});
    CHECK(take("102", 2) == Taken{2, "2"});
    CHECK(take("000000000000000000000000000007 ", 10) == Taken{7, " "});
    CHECK(take("0x10", 16) == Taken{0, "x10"});  // no prefixes
}

TEST_CASE("where no digit stands nothing is taken", "[digits]") {
    for (const std::string_view text : {"", " 1", "-1", "+1", "x", "g", "\x80"}) {
        CHECK(take(text, 16) == Taken{std::nullopt, text});
    }
    CHECK(take("a", 10) == Taken{std::nullopt, "a"});
}

TEST_CASE("64 bits hold as much as they hold", "[digits]") {
    CHECK(take("18446744073709551615K", 10) == Taken{~0ull, "K"});
    CHECK(!take("18446744073709551616", 10).number);
    CHECK(!take("99999999999999999999", 10).number);
    CHECK(take("ffffffffffffffff", 16) == Taken{~0ull, ""});
    CHECK(!take("10000000000000000", 16).number);
    CHECK(take("1777777777777777777777", 8) == Taken{~0ull, ""});
    CHECK(!take("2000000000000000000000", 8).number);
}

TEST_CASE("any text gives what std::from_chars gives", "[digits]") {
    CHECK(rc::check([] {
        const auto base = *rc::gen::inRange(2u, 17u);
        const auto text = *rc::gen::oneOf(rc::gen::container<std::string>(rc::gen::elementOf(
                                              std::string("0123456789abcdefABCF"))),
                                          rc::gen::arbitrary<std::string>());
        RC_PRE(!text.starts_with('-'));
        std::uint64_t number = 0;
        const auto [end, error] =
            std::from_chars(text.data(), text.data() + text.size(), number, static_cast<int>(base));
        const Taken taken = take(text, base);
        if (error == std::errc{}) {
            RC_ASSERT(taken.number == number);
            RC_ASSERT(taken.rest ==
                      std::string_view(text).substr(static_cast<std::size_t>(end - text.data())));
        } else {
            RC_ASSERT(!taken.number);
        }
    }));
}
