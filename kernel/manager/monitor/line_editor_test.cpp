// SPDX-License-Identifier: MIT
#include "kernel/manager/monitor/line_editor.hpp"

#include <rapidcheck.h>

#include <string>
#include <vector>

#include <cairn/print.hpp>
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct Words final : Completer {
    std::string_view complete(std::string_view line, Writer& choices) override {
        if (line == "li") return "st";
        if (line == "re") print(choices, "reset resume ");
        if (line == "res") return {};
        return {};
    }
};

struct Screen final : Writer {
    void write(std::string_view text) override { shown += text; }
    std::string shown;
};

struct Editor {
    /// Types `keys`; the lines that were finished.
    std::vector<std::string> type(std::string_view keys) {
        std::vector<std::string> lines;
        for (const char key : keys) {
            if (const auto line = editor.take(static_cast<std::byte>(key), screen)) {
                lines.emplace_back(*line);
            }
        }
        return lines;
    }
    std::string line(std::string_view keys) {
        const auto lines = type(std::string(keys) + "\r");
        REQUIRE(lines.size() == 1);
        return lines.front();
    }

    Words words;
    Screen screen;
    LineEditor editor{"> ", words};
};

constexpr auto up = "\x1b[A", down = "\x1b[B", right = "\x1b[C", left = "\x1b[D";

}  // namespace

TEST_CASE("a line is what was typed", "[line_editor]") {
    Editor editor;
    CHECK(editor.line("list") == "list");
    CHECK(editor.screen.shown == "list\n");
    CHECK(editor.line("").empty());
    CHECK(editor.type("a\r\nb\nc\r") == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("keys move, delete and insert", "[line_editor]") {
    Editor editor;
    const std::string l = left, r = right;
    CHECK(editor.line("ac" + l + "b") == "abc");
    CHECK(editor.line("abx\x7f"
                      "c") == "abc");
    CHECK(editor.line("bc\x01"
                      "a\x05"
                      "d") == "abcd");
    CHECK(editor.line("abc" + l + l + "\x1b[3~") == "ac");
    CHECK(editor.line("abc" + l + "\x0b") == "ab");
    CHECK(editor.line("abc" + l + "\x15") == "c");
    CHECK(editor.line("one two  \x17") == "one ");
    CHECK(editor.line("b\x1b[Ha\x1b[Fc") == "abc");
    CHECK(editor.line("b\x1b[1~a\x1b[4~c") == "abc");
    CHECK(editor.line("abc\x03"
                      "d") == "d");
    CHECK(editor.line(l + r +
                      "\x7f"
                      "a" +
                      r + r) == "a");
}

TEST_CASE("lines come back", "[line_editor]") {
    Editor editor;
    const std::string u = up, d = down;
    editor.line("one");
    editor.line("two");
    CHECK(editor.line(u) == "two");
    CHECK(editor.line(u + u + u) == "one");
    CHECK(editor.line(u + u + d + "!") == "one!");
    CHECK(editor.line(u + d).empty());
    CHECK(editor.line(u + u + u + u + u + u + u + u).size() == 3);
    for (int i = 0; i < 40; ++i)
        editor.line(std::to_string(i));
    for (int i = 0; i < 40; ++i)
        editor.type(u);
    CHECK(editor.line("") == "24");  // 16 lines are kept
}

TEST_CASE("Tab completes, or shows the choices", "[line_editor]") {
    Editor editor;
    CHECK(editor.line("li\t") == "list");
    editor.screen.shown.clear();
    editor.type("re\t");
    CHECK(editor.screen.shown.find("reset resume") != std::string::npos);
    CHECK(editor.line("set") == "reset");
}

TEST_CASE("what a terminal answers to a guest is no line", "[line_editor]") {
    Editor editor;
    CHECK(editor.line("li\x1b[24;80Rst") == "list");
    for (const std::string end : {"\x1b\\", "\x07", "\x03"}) {
        CHECK(editor.type("li\x1b]l\rquit\r" + end).empty());
        CHECK(editor.line("st") == "list");
    }
    CHECK(editor.type("\x1bP1$r\rquit\r\x1b]\r\x1b\\").empty());
    CHECK(editor.line("") == "");
}

TEST_CASE("a line has an end", "[line_editor]") {
    Editor editor;
    CHECK(editor.line(std::string(1000, 'x')) == std::string(LineEditor::longest_line, 'x'));
}

TEST_CASE("any keys: no line is longer than it may be, and Enter always ends it", "[line_editor]") {
    CHECK(rc::check("any keys", [](const std::vector<char>& keys) {
        Words words;
        Screen screen;
        LineEditor editor("> ", words);
        for (const char key : keys) {
            const auto line = editor.take(static_cast<std::byte>(key), screen);
            RC_ASSERT(!line || line->size() <= LineEditor::longest_line);
        }
        // An escape sequence may be open; after it, Enter is Enter.
        (void)editor.take(std::byte{'~'}, screen);
        (void)editor.take(std::byte{3}, screen);
        (void)editor.take(std::byte{'~'}, screen);
        RC_ASSERT(editor.take(std::byte{'\r'}, screen).has_value());
    }));
}
