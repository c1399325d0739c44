// SPDX-License-Identifier: MIT
#include "kernel/manager/commands/command_line.hpp"

#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("a line is a command and its arguments", "[command_line]") {
    const CommandLine line = parse_command_line("  mem  a 0x80000000 ");
    CHECK(line.command() == "mem");
    CHECK(line.arguments() == 2);
    CHECK(line.argument(0) == "a");
    CHECK(line.argument(1) == "0x80000000");
    CHECK(line.argument(2).empty());
    CHECK_FALSE(line.json);
    CHECK(parse_command_line("   ").words.empty());
    CHECK(parse_command_line("").arguments() == 0);
}

TEST_CASE("--json is an option wherever it stands", "[command_line]") {
    for (const std::string_view text : {"--json info a", "info --json a", "info a --json"}) {
        const CommandLine line = parse_command_line(text);
        CHECK(line.json);
        CHECK(line.command() == "info");
        CHECK(line.arguments() == 1);
    }
    CHECK(parse_command_line("list --jso").arguments() == 1);
}

TEST_CASE("a line with too many words says so", "[command_line]") {
    CHECK_FALSE(parse_command_line("1 2 3 4 5 6 7 8 --json").too_long);
    CHECK(parse_command_line("1 2 3 4 5 6 7 8 9").too_long);
}

TEST_CASE("a usage says how many arguments a command takes, and of which kind", "[command_line]") {
    constexpr std::string_view usage = "VM ADDRESS [LENGTH]";
    CHECK_FALSE(takes_arguments(usage, 1));
    CHECK(takes_arguments(usage, 2));
    CHECK(takes_arguments(usage, 3));
    CHECK_FALSE(takes_arguments(usage, 4));
    CHECK(takes_arguments("", 0));
    CHECK_FALSE(takes_arguments("", 1));
    CHECK(takes_arguments("[NAME VALUE]", 0));
    CHECK(takes_arguments("[NAME VALUE]", 2));
    CHECK_FALSE(takes_arguments("[NAME VALUE]", 1));
    CHECK(argument_kind(usage, 0) == "VM");
    CHECK(argument_kind(usage, 2) == "LENGTH");
    CHECK(argument_kind(usage, 3).empty());
    CHECK(argument_kind("[COMMAND]", 0) == "COMMAND");
    CHECK(argument_kind("[NAME VALUE]", 1) == "VALUE");
    constexpr std::string_view nested = "VM [ACTION [N]]";
    CHECK_FALSE(takes_arguments(nested, 0));
    CHECK(takes_arguments(nested, 1));
    CHECK(takes_arguments(nested, 2));
    CHECK(takes_arguments(nested, 3));
    CHECK_FALSE(takes_arguments(nested, 4));
    CHECK(argument_kind(nested, 1) == "ACTION");
    CHECK(argument_kind(nested, 2) == "N");
}

TEST_CASE("a vCPU's name is its VM's and a number", "[command_line]") {
    const auto name = parse_vcpu_name("web.example.12");
    REQUIRE(name);
    CHECK(name->vm == "web.example");
    CHECK(name->cpu == 12);
    for (const std::string_view wrong :
         {"", "web", "web.", ".1", "web.x", "web.-1", "web.1 ", "web.4294967296"})
        CHECK_FALSE(parse_vcpu_name(wrong));
}

TEST_CASE("what all words have in common completes one", "[command_line]") {
    constexpr std::array<std::string_view, 4> words{"reset", "resume", "regs", "list"};
    CHECK(complete_word(words, "l").rest == "ist");
    CHECK(complete_word(words, "l").count == 1);
    CHECK(complete_word(words, "r").rest == "e");
    CHECK(complete_word(words, "r").count == 3);
    CHECK(complete_word(words, "res").rest.empty());
    CHECK(complete_word(words, "res").count == 2);
    CHECK(complete_word(words, "x").count == 0);
    CHECK(complete_word(words, "list").rest.empty());
}
