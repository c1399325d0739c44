// SPDX-License-Identifier: MIT
#include "kernel/manager/commands/json_text.hpp"

#include <rapidcheck.h>

#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct Text final : Writer {
    void write(std::string_view piece) override { all += piece; }
    std::string all;
};

std::string json(std::string_view text) {
    Text out;
    write_json_string(out, text);
    return out.all;
}

}  // namespace

TEST_CASE("text is quoted and escaped", "[json_text]") {
    CHECK(json("") == "\"\"");
    CHECK(json("console=ttyS0") == "\"console=ttyS0\"");
    CHECK(json("a\"b\\c") == R"("a\"b\\c")");
    CHECK(json("\n\t\r\x1b\x7f") == R"("\n\t\u000d\u001b\u007f")");
    CHECK(json(std::string_view("\0", 1)) == R"("\u0000")");
}

TEST_CASE("UTF-8 passes, and what is none is replaced", "[json_text]") {
    CHECK(json("Größe ∞ 𝄞") == "\"Größe ∞ 𝄞\"");
    CHECK(json("\xff") == R"("\ufffd")");
    CHECK(json("\xc3") == R"("\ufffd")");
    CHECK(json("\xc0\xaf") == R"("\ufffd\ufffd")");            // overlong
    CHECK(json("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");  // a surrogate
    CHECK(json("\xf4\x90\x80\x80x") == R"("\ufffd\ufffd\ufffd\ufffdx")");
    CHECK(json("\xe2\x82z") == R"("\ufffd\ufffdz")");
}

TEST_CASE("any bytes make a string without control characters", "[json_text]") {
    CHECK(rc::check("one line, one pair of quotes", [](const std::string& text) {
        const std::string out = json(text);
        RC_ASSERT(out.size() >= 2 && out.front() == '"' && out.back() == '"');
        bool escaped = false;
        for (const char c : out.substr(1, out.size() - 2)) {
            RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
            if (!escaped) RC_ASSERT(c != '"');
            escaped = !escaped && c == '\\';
        }
        RC_ASSERT(!escaped);
    }));
}
