// SPDX-License-Identifier: MIT
#include "kernel/manager/monitor/port_line.hpp"

#include <optional>
#include <string>
#include <vector>

#include <rapidcheck.h>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

/// The lines in `bytes`; nothing where one is too long.
std::vector<std::optional<std::string>> lines(PortLine& line, std::string_view bytes) {
    std::vector<std::optional<std::string>> found;
    for (const char byte : bytes) {
        if (!line.take(byte)) continue;
        found.emplace_back();
        if (!line.is_too_long()) found.back() = std::string(line.text());
    }
    return found;
}

}  // namespace

TEST_CASE("lines end with a line feed, and may have a carriage return before it", "[port_line]") {
    PortLine line;
    CHECK(lines(line, "list\nsta").size() == 1);
    CHECK(line.take('\n'));
    CHECK(line.text() == "sta");
    const auto more = lines(line, "\r\n\n a b \r\n\rx\n");
    REQUIRE(more.size() == 4);
    CHECK(more[0] == "");
    CHECK(more[1] == "");
    CHECK(more[2] == " a b ");
    CHECK(more[3] == "\rx");
}

TEST_CASE("a line that is too long is one line, and the next is whole", "[port_line]") {
    PortLine line;
    const std::string longest(PortLine::longest, 'x');
    const auto found =
        lines(line, longest + "\n" + longest + "y\n" + longest + longest + "\nlist\n");
    REQUIRE(found.size() == 4);
    CHECK(found[0] == longest);
    CHECK(!found[1]);
    CHECK(!found[2]);
    CHECK(found[3] == "list");
}

TEST_CASE("what was begun can be forgotten", "[port_line]") {
    PortLine line;
    CHECK(lines(line, "destroy").empty());
    line.forget();
    CHECK(lines(line, "list\n").front() == "list");
    line.forget();
    CHECK(lines(line, "\n").front() == "");
}

TEST_CASE("any bytes: a line for each line feed, and none is too long", "[port_line]") {
    CHECK(rc::check("any bytes", [](const std::string& bytes) {
        PortLine line;
        const auto found = lines(line, bytes);
        RC_ASSERT(found.size() == static_cast<std::size_t>(std::ranges::count(bytes, '\n')));
        for (const auto& each : found)
            RC_ASSERT(!each || each->size() <= PortLine::longest);
    }));
}
