// SPDX-License-Identifier: MIT
#include "kernel/bundle/net_line.hpp"

#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

NetLineError error_of(std::string_view value) {
    const auto line = parse_net_line(value);
    REQUIRE(!line);
    return line.error();
}

}  // namespace

TEST_CASE("a network interface is at a switch or at the uplink", "[net_line]") {
    const auto lan = parse_net_line("switch:lan");
    REQUIRE(lan);
    CHECK(lan->wire == "switch:lan");
    CHECK(!lan->is_uplink);
    CHECK(!lan->is_isolated);
    CHECK(lan->rate == 0);
    CHECK(!lan->mac);
    const auto all = parse_net_line(" uplink , isolated,rate=10M, mac=52:54:00:aB:cd:0f ");
    REQUIRE(all);
    CHECK(all->is_uplink);
    CHECK(all->is_isolated);
    CHECK(all->rate == 10 << 20);
    CHECK(all->mac == MacAddress{{0x52, 0x54, 0, 0xab, 0xcd, 0x0f}});
}

TEST_CASE("what is no network interface is refused, with the part that is wrong", "[net_line]") {
    for (const std::string_view bad : {"", "lan", "switch:", "switch:a b", "uplink2",
                                       "switch:abcdefghijklmnopqrstuvwxyz0123456"}) {
        CHECK(error_of(bad).fault == NetLineFault::no_wire);
    }
    CHECK(error_of("uplink,fast").fault == NetLineFault::bad_option);
    CHECK(error_of("uplink,fast").part == "fast");
    for (const std::string_view bad :
         {"uplink,", "uplink, ", "uplink,,isolated", "uplink,isolated,"}) {
        CHECK(error_of(bad).fault == NetLineFault::bad_option);
        CHECK(error_of(bad).part.empty());
    }
    for (const std::string_view bad : {"rate=", "rate=x", "rate=0", "rate=1023"})
        CHECK(error_of(std::string("uplink,") + std::string(bad)).fault == NetLineFault::bad_rate);
    for (const std::string_view bad :
         {"mac=", "mac=52:54:00:ab:cd", "mac=52-54-00-ab-cd-0f", "mac=53:54:00:ab:cd:0f",
          "mac=00:00:00:00:00:00", "mac=52:54:00:ab:cd:0g", "mac=52:54:00:ab:cd:0f0"})
        CHECK(error_of(std::string("uplink,") + std::string(bad)).fault ==
              NetLineFault::bad_address);
}

TEST_CASE("an option that is said twice is refused by its name", "[net_line]") {
    for (const std::string_view option : {"isolated", "rate=2M", "mac=52:54:00:ab:cd:0e"}) {
        const std::string value =
            "uplink,isolated,rate=1M,mac=52:54:00:ab:cd:0f," + std::string(option);
        const auto error = error_of(value);
        CHECK(error.fault == NetLineFault::repeated);
        CHECK(error.part == option.substr(0, option.find('=')));
    }
    CHECK(error_of("uplink,rate=1M,isolated,rate=x").fault == NetLineFault::bad_rate);
}
