// SPDX-License-Identifier: MIT
#include "kernel/manager/monitor/pager.hpp"

#include <algorithm>
#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct Screen final : Writer {
    void write(std::string_view text) override { shown += text; }
    /// Since it was last asked.
    std::string take() { return std::exchange(shown, {}); }
    std::string shown;
};

struct Pages {
    explicit Pages(std::size_t lines) {
        for (std::size_t line = 0; line < lines; ++line)
            REQUIRE(pager.text().try_append(std::to_string(line) + "\n").has_value());
    }
    std::size_t lines_after(char key) {
        pager.take(static_cast<std::byte>(key), screen);
        return lines();
    }
    std::size_t lines() {
        const std::string text = screen.take();
        return static_cast<std::size_t>(std::ranges::count(text, '\n'));
    }

    Pager pager;
    Screen screen;
};

}  // namespace

TEST_CASE("a screen is shown at once", "[pager]") {
    Pages pages(screen_lines);
    pages.pager.show(pages.screen);
    CHECK(pages.lines() == screen_lines);
    CHECK_FALSE(pages.pager.is_waiting());
    CHECK(pages.pager.text().empty());
}

TEST_CASE("behind a screen it waits for a key", "[pager]") {
    Pages pages(2 * screen_lines + 2);
    pages.pager.show(pages.screen);
    CHECK(pages.screen.shown.ends_with("--"));
    CHECK(pages.lines() == screen_lines);
    CHECK(pages.pager.is_waiting());
    CHECK(pages.lines_after('\r') == 1);
    CHECK(pages.lines_after(' ') == screen_lines);
    CHECK(pages.pager.is_waiting());
    CHECK(pages.lines_after(' ') == 1);
    CHECK_FALSE(pages.pager.is_waiting());
}

TEST_CASE("q and Ctrl-C end it", "[pager]") {
    for (const char key : {'q', '\x03'}) {
        Pages pages(3 * screen_lines);
        pages.pager.show(pages.screen);
        (void)pages.lines();
        CHECK(pages.lines_after(key) == 0);
        CHECK_FALSE(pages.pager.is_waiting());
        CHECK(pages.pager.text().empty());
    }
}

TEST_CASE("a program's text is not held back", "[pager]") {
    Pages pages(3 * screen_lines);
    pages.pager.show(pages.screen, true);
    CHECK(pages.lines() == 3 * screen_lines);
    CHECK_FALSE(pages.pager.is_waiting());
}
