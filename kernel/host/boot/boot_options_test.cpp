// SPDX-License-Identifier: MIT
#include "kernel/host/boot/boot_options.hpp"

#include <utility>

#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("no arguments are no options", "[boot_options]") {
    for (const std::string_view text : {"", "  ", "\t\n"}) {
        const auto options = parse_boot_options(text);
        REQUIRE(options.has_value());
        CHECK(!options->heap_size);
        CHECK(!options->vm_quota);
        CHECK(!options->stage2_mode);
    }
}

TEST_CASE("options are read in any order", "[boot_options]") {
    const auto options = parse_boot_options(" gstage=sv48x4  quota=64K heap=16M ");
    REQUIRE(options.has_value());
    CHECK(options->heap_size == 16u << 20);
    CHECK(options->vm_quota == 64u << 10);
    CHECK(options->stage2_mode == Stage2Mode::sv48x4);
    CHECK(parse_boot_options("gstage=sv57x4")->stage2_mode == Stage2Mode::sv57x4);
    CHECK(options->count_exits == false);
    CHECK(parse_boot_options("exits=count")->count_exits);
    CHECK_FALSE(options->trust_unused_ram);
    CHECK_FALSE(parse_boot_options("scrub=all")->trust_unused_ram);
    CHECK(parse_boot_options("scrub=used")->trust_unused_ram);
    CHECK(parse_boot_options("crash=panic")->crash == Crash::panic);
    CHECK_FALSE(options->turn_ms.has_value());
    CHECK(parse_boot_options("turn=1")->turn_ms == 1);
    CHECK(parse_boot_options("turn=1000")->turn_ms == 1000);
    CHECK(parse_boot_options("gstage=sv39x4")->stage2_mode == Stage2Mode::sv39x4);
}

TEST_CASE("a wrong word is named, with what would be right", "[boot_options]") {
    const auto fails = [](std::string_view text, std::string_view word) {
        const auto options = parse_boot_options(text);
        return !options && options.error().word == word && !options.error().expected.empty();
    };
    CHECK(fails("heap=16M quiet", "quiet"));
    CHECK(fails("heap=", "heap="));
    CHECK(fails("heap=0", "heap=0"));
    CHECK(fails("heap=1Q", "heap=1Q"));
    CHECK(fails("quota=0", "quota=0"));
    CHECK(fails("quota=much", "quota=much"));
    CHECK(fails("gstage=sv32x4", "gstage=sv32x4"));
    CHECK(fails("scrub=", "scrub="));
    CHECK(fails("turn=0", "turn=0"));
    CHECK(fails("turn=1001", "turn=1001"));
    CHECK(fails("turn=5ms", "turn=5ms"));
    CHECK(fails("scrub=nothing", "scrub=nothing"));
    CHECK(fails("crash=softly", "crash=softly"));
    CHECK(fails("gstage=sv39x4 gstage=sv32x4", "gstage=sv32x4"));
    CHECK(fails("crash=trap crash=softly", "crash=softly"));
    CHECK(fails("heap", "heap"));
}

TEST_CASE("an option may be given once", "[boot_options]") {
    const auto twice = [](std::string_view text) {
        const auto options = parse_boot_options(text);
        REQUIRE(!options);
        return std::pair(options.error().word, options.error().expected);
    };
    using Error = std::pair<std::string_view, std::string_view>;
    CHECK(twice("heap=1M heap=2M") == Error{"heap=2M", "heap= only once"});
    CHECK(twice("heap=1M quota=64K heap=1M") == Error{"heap=1M", "heap= only once"});
    CHECK(twice("quota=1M quota=2M") == Error{"quota=2M", "quota= only once"});
    CHECK(twice("gstage=sv39x4 gstage=sv48x4") == Error{"gstage=sv48x4", "gstage= only once"});
    CHECK(twice("exits=count exits=count") == Error{"exits=count", "exits= only once"});
    CHECK(twice("crash=trap crash=null") == Error{"crash=null", "crash= only once"});
}
