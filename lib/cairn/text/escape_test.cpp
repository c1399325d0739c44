// SPDX-License-Identifier: MIT
#include "cairn/escape.hpp"

#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

std::string escaped(std::string_view text, char quote = '"') {
    FixedBuffer<256> buffer;
    Escaper escaper(buffer, quote);
    escaper.put(text);
    escaper.finish();
    return std::string(buffer.view());
}

}  // namespace

// The examples of [format.string.escaped] in C++23, then what the text there prescribes.
TEST_CASE("text is escaped as the standard's examples are", "[escape]") {
    CHECK(escaped("h\tllo") == R"("h\tllo")");
    CHECK(escaped("Спасибо, Виктор ♥!") == R"("Спасибо, Виктор ♥!")");
    CHECK(escaped("'", '\'') == R"('\'')");
    CHECK(escaped("\"", '\'') == R"('"')");
    CHECK(escaped(std::string_view("\0 \n \t \x02 \x1b", 9)) == R"("\u{0} \n \t \u{2} \u{1b}")");
    CHECK(escaped("\xc3\x28") == R"("\x{c3}(")");
}

TEST_CASE("quotes and backslashes are escaped, the other quote is not", "[escape]") {
    CHECK(escaped("") == R"("")");
    CHECK(escaped("'\"\\\r") == R"("'\"\\\r")");
    CHECK(escaped("\x7f") == R"("\u{7f}")");
}

TEST_CASE("unprintable code points are shown by number", "[escape]") {
    CHECK(escaped("\u00a0\u00ad\u200b\u2028\u3000\ufeff") ==
          R"("\u{a0}\u{ad}\u{200b}\u{2028}\u{3000}\u{feff}")");
    CHECK(escaped("\ue000\U00100000") == R"("\u{e000}\u{100000}")");
    CHECK(escaped("\u00a1\U0001f600") == "\"\u00a1\U0001f600\"");
}

TEST_CASE("bytes that are no UTF-8 are shown one by one", "[escape]") {
    CHECK(escaped("\x80") == R"("\x{80}")");
    CHECK(escaped("\xc0\x80") == R"("\x{c0}\x{80}")");                      // overlong
    CHECK(escaped("\xed\xa0\x80") == R"("\x{ed}\x{a0}\x{80}")");            // a surrogate
    CHECK(escaped("\xf4\x90\x80\x80") == R"("\x{f4}\x{90}\x{80}\x{80}")");  // beyond 10ffff
    CHECK(escaped("\xe2\x82") == R"("\x{e2}\x{82}")");                      // cut off
    CHECK(escaped("\xe2\x82\xc3\xa9") == "\"\\x{e2}\\x{82}\u00e9\"");
    CHECK(escaped("\xff") == R"("\x{ff}")");
}
