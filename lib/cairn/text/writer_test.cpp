// SPDX-License-Identifier: MIT
#include "cairn/writer.hpp"

#include <string>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

std::vector<std::string> pieces;

void record(std::string_view text) {
    pieces.emplace_back(text);
}

}  // namespace

TEST_CASE("a span writer keeps what fits and remembers that something did not", "[writer]") {
    std::array<char, 5> space;
    SpanWriter writer(space);
    writer.write("abc");
    CHECK(writer.view() == "abc");
    writer.write("de");
    CHECK(writer.view() == "abcde");
    CHECK_FALSE(writer.truncated());
    writer.write("");
    CHECK_FALSE(writer.truncated());
    writer.write("f");
    CHECK(writer.view() == "abcde");
    CHECK(writer.truncated());
    writer.clear();
    CHECK(writer.view().empty());
    CHECK_FALSE(writer.truncated());
}

TEST_CASE("a span of no bytes is truncated by the first one", "[writer]") {
    SpanWriter writer({});
    writer.write("");
    CHECK_FALSE(writer.truncated());
    writer.write("a");
    CHECK(writer.truncated());
    CHECK(writer.view().empty());
}

TEST_CASE("a fixed buffer has its own bytes", "[writer]") {
    FixedBuffer<4> buffer;
    buffer.write("abc");
    buffer.write("def");
    CHECK(buffer.view() == "abcd");
    CHECK(buffer.truncated());
    buffer.clear();
    buffer.write("x");
    CHECK(buffer.view() == "x");
    CHECK_FALSE(buffer.truncated());
}

TEST_CASE("a buffered writer passes small pieces on as one", "[writer]") {
    pieces.clear();
    BufferedWriter writer(record);
    writer.flush();
    CHECK(pieces.empty());
    writer.write("one, ");
    writer.write("two\n");
    CHECK(pieces.empty());
    writer.flush();
    CHECK(pieces == std::vector<std::string>{"one, two\n"});
    writer.flush();
    CHECK(pieces.size() == 1);
}

TEST_CASE("a buffered writer loses nothing of a text longer than its buffer", "[writer]") {
    pieces.clear();
    BufferedWriter writer(record);
    std::string wanted;
    for (int i = 0; i < 100; ++i) {
        const std::string text(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
        writer.write(text);
        wanted += text;
    }
    writer.flush();
    std::string got;
    for (const std::string& piece : pieces) {
        got += piece;
    }
    CHECK(got == wanted);
    CHECK(pieces.size() <= wanted.size() / 160 + 1);
}
