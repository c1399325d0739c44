// SPDX-License-Identifier: MIT
// The expected texts follow [format] of C++23. tests/unit/format_against_std.cpp compares far more
// of the grammar with libc++'s std::format.
#include "cairn/format.hpp"

#include <rapidcheck.h>
#include <charconv>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "cairn/print.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/last_words.hpp"

using namespace cairn;

namespace colours {

enum class Colour : std::uint8_t { red, green };
constexpr std::string_view to_string(Colour colour) {
    return colour == Colour::red ? "red" : "green";
}
enum class State : std::uint8_t { idle };
constexpr std::string_view format_name(State) {
    return "idle";
}
constexpr std::string_view to_string(State) {
    return "not this one";
}
enum class Number : std::int8_t { minus_two = -2 };

struct Point {
    int x, y;
};
void format_value(Writer& writer, const Point& point) {
    print(writer, "<{}|{}>", point.x, point.y);
}

}  // namespace colours

namespace {

using namespace colours;

template <class... Args>
std::string formatted(FormatString<Args...> format, const Args&... args) {
    std::array<char, 1024> space;
    const FormatResult result = format_to(space, format, args...);
    REQUIRE_FALSE(result.truncated);
    return std::string(result.text);
}

}  // namespace

TEST_CASE("text and doubled braces are written as they are", "[format]") {
    CHECK(formatted("").empty());
    CHECK(formatted("text") == "text");
    CHECK(formatted("{{}} {{{}}}", 1) == "{} {1}");
    CHECK(formatted("{1} {0} {1}", 'a', "b") == "b a b");
    CHECK(formatted("{}, {}", 1, 2) == "1, 2");
}

TEST_CASE("integers", "[format]") {
    CHECK(formatted("{} {} {}", 0, -1, 42u) == "0 -1 42");
    CHECK(formatted("{:b} {:#b} {:#B} {:o} {:#o} {:#o}", 5, 5, 5, 8, 8, 0) ==
          "101 0b101 0B101 10 010 0");
    CHECK(formatted("{:x} {:X} {:#x} {:#X}", 0xbeef, 0xbeef, -0xbeef, 0) ==
          "beef BEEF -0xbeef 0X0");
    CHECK(formatted("{:+} {:+} {: } {:-}", 1, -1, 1, 1) == "+1 -1  1 1");
    CHECK(formatted("[{:6}] [{:<6}] [{:^6}] [{:>6}]", 42, 42, 42, 42) ==
          "[    42] [42    ] [  42  ] [    42]");
    CHECK(formatted("{:*^7} {:06} {:#06x} {:<06}|", 42, -42, 0xa, 42) ==
          "**42*** -00042 0x000a 42    |");
    CHECK(formatted("{:c}{:c}", 72, 105) == "Hi");
    CHECK(formatted("{:c}{:c}", 255, std::int8_t{-1}) == "\xff\xff");
    for (const std::int64_t number : {300L, 256L, -129L}) {
        CHECK(last_words([&] {
                  (void)formatted("{:c}", number);
              }).find("format: {:c} of a number that is no character") != std::string::npos);
    }
    CHECK(last_words([] { (void)formatted("{:c}", UINT64_MAX); }).find("format: {:c}") !=
          std::string::npos);
    CHECK(formatted("{}", std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
    CHECK(formatted("{:#x}", std::numeric_limits<std::uint64_t>::max()) == "0xffffffffffffffff");
    CHECK(formatted("{:b}", std::numeric_limits<std::int64_t>::min()).size() == 65);
    CHECK(formatted("{} {}", std::int8_t{-128}, std::uint8_t{200}) == "-128 200");
}

TEST_CASE("width and precision may be arguments", "[format]") {
    CHECK(formatted("[{:{}}] [{:<{}}]", 42, 6, 42, 4) == "[    42] [42  ]");
    CHECK(formatted("[{1:{0}}]", 4, 'x') == "[x   ]");
    CHECK(formatted("{:.{}} [{:{}.{}}]", "text", 2, "text", 6, 3) == "te [tex   ]");
    CHECK(formatted("[{:{}}]", 42, -6) == "[42]");
    CHECK(formatted("{:.{}}", "text", -1) == "text");
    CHECK(formatted("[{:{}}]", 42, std::numeric_limits<std::int64_t>::min()) == "[42]");
    CHECK(formatted("{:.{}}", "text", std::numeric_limits<std::int32_t>::max()) == "text");
}

TEST_CASE("no width or precision is 2^31 or more", "[format]") {
    constexpr std::string_view sentence = "format: a width or precision of 2147483648 or more";
    for (const std::uint64_t count : {std::uint64_t{1} << 31, std::uint64_t{1} << 32, UINT64_MAX}) {
        CHECK(last_words([&] { (void)formatted("{:.{}}", "text", count); }).find(sentence) !=
              std::string::npos);
        std::array<char, 8> space;
        CHECK(last_words([&] { (void)format_to(space, "{:{}}", 42, count); }).find(sentence) !=
              std::string::npos);
    }
    CHECK(last_words([] {
              (void)formatted("{::.{}}", std::vector{"text"}, std::int64_t{1} << 32 | 2);
          }).find(sentence) != std::string::npos);
}

TEST_CASE("characters and booleans", "[format]") {
    CHECK(formatted("{} {:c} {:d} {:#x} {:?} {:?}", 'a', 'b', 'c', 'd', '\n', '\'') ==
          R"(a b 99 0x64 '\n' '\'')");
    CHECK(formatted("[{:3}] [{:>3}] {:d}", 'a', 'a', '\xff') == "[a  ] [  a] 255");
    CHECK(formatted("{} {} {:d} {:#x} [{:6}]", true, false, true, true, true) ==
          "true false 1 0x1 [true  ]");
}

TEST_CASE("strings of every kind", "[format]") {
    const char array[8] = {'a', 'b'};
    char full[2] = {'x', 'y'};
    const char* const none = nullptr;
    CHECK(formatted("{} {} {} {}", "literal", std::string_view("view"), std::string("string"),
                    array) == "literal view string ab");
    CHECK(formatted("{} {}", full, none) == "xy (null)");
    CHECK(formatted("[{:6}] [{:>6s}] [{:*^6}] [{:.2}] [{:4.1}]", "abc", "abc", "abc", "abc",
                    "abc") == "[abc   ] [   abc] [*abc**] [ab] [a   ]");
    CHECK(formatted("{:?} [{:8?}] [{:.3?}]", "a\"\t", "a\n", "abcd") ==
          R"("a\"\t" ["a\n"   ] ["ab])");
    CHECK(formatted("[{:\u00b7<4}] [{:.2}]", "\u00e9", "\u00e9\u00e9\u00e9") ==
          "[\u00e9\u00b7\u00b7\u00b7] [\u00e9\u00e9]");
}

TEST_CASE("pointers", "[format]") {
    const auto* const pointer = reinterpret_cast<const void*>(std::uintptr_t{0x8020'0000});
    CHECK(formatted("{} {:p} [{:12}] [{:<12}] {:P} {:012}", pointer, pointer, pointer, pointer,
                    pointer, pointer) ==
          "0x80200000 0x80200000 [  0x80200000] [0x80200000  ] 0X80200000 0x0080200000");
    CHECK(formatted("{}", nullptr) == "0x0");
}

TEST_CASE("enumerations by name, or by number where they have none", "[format]") {
    CHECK(formatted("{} {:>6} {}", Colour::green, Colour::red, State::idle) == "green    red idle");
    CHECK(formatted("{} {:+} {}", Number::minus_two, Number::minus_two, std::byte{7}) == "-2 -2 7");
    CHECK(formatted("{}", std::vector{Colour::red, Colour::green}) == "[red, green]");
}

TEST_CASE("types of the user's", "[format]") {
    CHECK(formatted("{} [{:8}] [{:>8}] [{:.2}]", Point{1, 2}, Point{1, 2}, Point{1, 2},
                    Point{1, 2}) == "<1|2> [<1|2>   ] [   <1|2>] [<1]");
    CHECK(formatted("{} {::>6}", std::vector{Point{1, 2}, Point{3, 4}}, std::array{Point{5, 6}}) ==
          "[<1|2>, <3|4>] [ <5|6>]");
}

TEST_CASE("ranges", "[format]") {
    const std::vector<int> numbers{1, 2, 255};
    const std::vector<char> letters{'a', 'b', 'c'};
    const int array[] = {1, 2};
    CHECK(formatted("v = {}", letters) == "v = ['a', 'b', 'c']");
    CHECK(formatted("{} {} {}", numbers, std::vector<int>{}, array) == "[1, 2, 255] [] [1, 2]");
    CHECK(formatted("{:n} {::02x} {::#x} {:n:+}", numbers, numbers, numbers, numbers) ==
          "1, 2, 255 [01, 02, ff] [0x1, 0x2, 0xff] +1, +2, +255");
    CHECK(formatted("{:s} {:?s} {::} {::?} {::d}", letters, letters, letters, letters, letters) ==
          R"(abc "abc" [a, b, c] ['a', 'b', 'c'] [97, 98, 99])");
    CHECK(formatted("[{:*^15}] [{:>5s}]", numbers, letters) == "[**[1, 2, 255]**] [  abc]");
    CHECK(formatted("{}", std::list<std::string>{"a", "b\n"}) == R"(["a", "b\n"])");
    CHECK(formatted("{} {:::x}", std::vector{numbers, {}}, std::vector{numbers, {16}}) ==
          "[[1, 2, 255], []] [[1, 2, ff], [10]]");
    CHECK(formatted("{}", std::vector<bool>{true, false}) == "[true, false]");
    CHECK(formatted("{::{}}", numbers, 4) == "[   1,    2,  255]");
    CHECK(formatted("{:{}:{}}|", numbers, 14, 3) == "[  1,   2, 255]|");
}

TEST_CASE("bytes in a span", "[format]") {
    const std::array bytes{std::byte{0}, std::byte{0xff}};
    CHECK(formatted("{:n:02x}", std::span(bytes)) == "00, ff");
}

TEST_CASE("pairs, tuples, sets and maps", "[format]") {
    using Pairs = std::vector<std::pair<int, char>>;
    CHECK(formatted("{} {:m} {:n}", std::pair{1, 'a'}, std::pair{1, 'a'}, std::pair{1, 'a'}) ==
          "(1, 'a') 1: 'a' 1, 'a'");
    CHECK(formatted("{} {} {}", std::tuple{1, "b", true}, std::tuple{}, std::tuple{1}) ==
          R"((1, "b", true) () (1))");
    CHECK(formatted("[{:>10}]", std::pair{1, 2}) == "[    (1, 2)]");
    CHECK(formatted("{}", std::set{3, 1}) == "{1, 3}");
    CHECK(formatted("{}", std::map<int, std::string>{{1, "one"}}) == R"({1: "one"})");
    CHECK(formatted("{} {:m}", Pairs{{1, 'a'}}, Pairs{{1, 'a'}, {2, 'b'}}) ==
          "[(1, 'a')] {1: 'a', 2: 'b'}");
}

TEST_CASE("what does not fit a span is cut off and said to be", "[format]") {
    std::array<char, 4> space;
    CHECK(format_to(space, "{}", 1234).text == "1234");
    CHECK_FALSE(format_to(space, "{}", 1234).truncated);
    CHECK(format_to(space, "{}", 12345).text == "1234");
    CHECK(format_to(space, "{}", 12345).truncated);
}

TEST_CASE("a text that was never checked stops at its error", "[format]") {
    FixedBuffer<32> buffer;
    vformat_to(buffer, "before {} after", {});
    CHECK(buffer.view() == "before ");
}

TEST_CASE("integers agree with std::to_chars in every base", "[format]") {
    const auto agrees = [](auto number) {
        const auto expected = [number](int base) {
            std::array<char, 80> text;
            const auto end =
                std::to_chars(text.data(), text.data() + text.size(), number, base).ptr;
            return std::string(text.data(), end);
        };
        RC_ASSERT(formatted("{}", number) == expected(10));
        RC_ASSERT(formatted("{:x}", number) == expected(16));
        RC_ASSERT(formatted("{:o}", number) == expected(8));
        RC_ASSERT(formatted("{:b}", number) == expected(2));
        RC_ASSERT(formatted("{:70b}", number).size() == 70);
    };
    CHECK(rc::check([&](std::int64_t number) { agrees(number); }));
    CHECK(rc::check([&](std::uint64_t number) { agrees(number); }));
    CHECK(rc::check([&](std::int16_t number) { agrees(number); }));
    CHECK(rc::check([&](std::uint8_t number) { agrees(number); }));
}

TEST_CASE("a short span holds the beginning of the whole text", "[format]") {
    CHECK(rc::check([](const std::vector<int>& numbers, const std::string& text) {
        std::vector<char> whole(100 + 16 * numbers.size() + 8 * text.size());
        const FormatResult all = format_to(whole, "{} and {:?}", numbers, text);
        RC_ASSERT(!all.truncated);
        const auto size = *rc::gen::inRange<std::size_t>(0, all.text.size() + 2);
        std::vector<char> space(size);
        const FormatResult part = format_to(space, "{} and {:?}", numbers, text);
        RC_ASSERT(part.text == all.text.substr(0, size));
        RC_ASSERT(part.truncated == (size < all.text.size()));
    }));
}
