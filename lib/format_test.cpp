// SPDX-License-Identifier: MIT
#include "lib/format.hpp"

#include <array>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

template <class... Args>
std::string formatted(FormatString<Args...> format, const Args&... args) {
    std::array<char, 512> space;
    const FormatResult result = format_to(space, format, args...);
    REQUIRE_FALSE(result.truncated);
    return std::string(result.text);
}

}  // namespace

TEST_CASE("a vector of characters prints as C++23 prints it", "[format]") {
    CHECK(formatted("v = {}", std::vector<char>{'a', 'b', 'c'}) == "v = ['a', 'b', 'c']");
}
