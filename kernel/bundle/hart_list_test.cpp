// SPDX-License-Identifier: MIT
#include "kernel/bundle/hart_list.hpp"

#include <string>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Reason = HartListError::Reason;

void check_error(std::string_view text, Reason reason, std::string_view part) {
    CAPTURE(text);
    const auto harts = parse_hart_list(text);
    REQUIRE_FALSE(harts);
    CHECK(harts.error().reason == reason);
    CHECK(harts.error().part == part);
}

TEST_CASE("numbers and ranges name harts", "[hart_list]") {
    CHECK(parse_hart_list("0") == 0b1u);
    CHECK(parse_hart_list("0,2-3") == 0b1101u);
    CHECK(parse_hart_list(" 1 ,\t4 - 4 , 1") == 0b1'0010u);
    CHECK(parse_hart_list("63") == HartSet{1} << 63);
    CHECK(parse_hart_list("0-63") == ~HartSet{0});
    CHECK(parse_hart_list("62-63,0") == (HartSet{3} << 62 | 1));
}

TEST_CASE("what is no list is told by its part", "[hart_list]") {
    check_error("", Reason::not_a_list, "");
    check_error("all", Reason::not_a_list, "all");
    check_error("0,,1", Reason::not_a_list, "");
    check_error("0,", Reason::not_a_list, "");
    check_error("0 1", Reason::not_a_list, "0 1");
    check_error("1,-2", Reason::not_a_list, "-2");
    check_error("1-", Reason::not_a_list, "1-");
    check_error("1-2-3", Reason::not_a_list, "1-2-3");
    check_error("0x1", Reason::not_a_list, "0x1");
    check_error("0, 64", Reason::number_range, "64");
    check_error("0-99999999999", Reason::number_range, "0-99999999999");
    check_error("0,3-2", Reason::backwards, "3-2");
}

}  // namespace
}  // namespace cairn
