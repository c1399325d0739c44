// SPDX-License-Identifier: MIT
#include "kernel/manager/commands/answer.hpp"

#include <array>
#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct Text final : Writer {
    void write(std::string_view piece) override { all += piece; }
    std::string all;
};

constexpr std::array<Column, 4> columns{{{"front", Look::mark, 1},
                                         {"name", Look::text, 6},
                                         {"memory", Look::size, 7},
                                         {"state", Look::state}}};
constexpr RecordKind kind{"vm", Arrangement::table, columns};
constexpr RecordKind sheet{"vm", Arrangement::sheet, columns};
constexpr std::array<Column, 2> register_columns{
    {{"name", Look::text, 3}, {"value", Look::address, 18}}};
constexpr RecordKind registers{"register", Arrangement::cells, register_columns};
constexpr std::array<Column, 2> frame_columns{{{"number", Look::ordinal, 3}, {"source"}}};
constexpr RecordKind frames{"frame", Arrangement::lines, frame_columns};
constexpr std::array<Column, 2> load_columns{
    {{"cpu", Look::number, 4, "CPU"}, {"run", Look::tenths, 6, "run %"}}};
constexpr RecordKind loads{"load", Arrangement::table, load_columns};

std::string shown(const Answer::Style& style, auto fill) {
    Text out;
    Answer answer(out, style);
    fill(answer);
    answer.finish("list");
    return out.all;
}

void two_vms(Answer& answer) {
    answer.show(kind, {1u, "a", 8u << 20, "running"});
    answer.show(kind, {0u, "b", 1u << 30, "off"});
}

}  // namespace

TEST_CASE("people get columns below their titles", "[answer]") {
    CHECK(shown({}, two_vms) ==
          "     name     memory  state\n"
          "  *  a         8 MiB  running\n"
          "     b         1 GiB  off\n");
}

TEST_CASE("ordinals have a # for people", "[answer]") {
    const auto fill = [](Answer& answer) {
        answer.show(frames, {0u, "pc"});
        answer.show(frames, {12u, "ra"});
    };
    CHECK(shown({}, fill) == "  #0   pc\n  #12  ra\n");
    CHECK(shown({.json = true}, fill).starts_with(R"({"kind":"frame","number":0,"source":"pc"})"));
}

TEST_CASE("programs get an object a line, and a last one", "[answer]") {
    CHECK(shown({.json = true}, two_vms) ==
          R"({"kind":"vm","front":true,"name":"a","memory":8388608,"state":"running"})"
          "\n"
          R"({"kind":"vm","front":false,"name":"b","memory":1073741824,"state":"off"})"
          "\n"
          R"({"kind":"end","command":"list","ok":true})"
          "\n");
}

TEST_CASE("colours are there only where they are asked for", "[answer]") {
    CHECK(shown({}, two_vms).find('\x1b') == std::string::npos);
    CHECK(shown({.json = true, .colour = true}, two_vms).find('\x1b') == std::string::npos);
    const std::string coloured = shown({.colour = true}, two_vms);
    CHECK(coloured.find("\x1b[32mrunning\x1b[0m") != std::string::npos);
    CHECK(coloured.find("\x1b[2moff\x1b[0m") != std::string::npos);
}

TEST_CASE("a sheet has a line for each value", "[answer]") {
    CHECK(shown({}, [](Answer& answer) { answer.show(sheet, {0u, "a", std::nullopt, "off"}); }) ==
          "  front          \n"
          "  name          a\n"
          "  memory        -\n"
          "  state         off\n");
}

TEST_CASE("cells stand side by side, and what follows begins a line", "[answer]") {
    const auto fill = [](Answer& answer) {
        for (const std::string_view name : {"pc", "ra", "sp", "gp"})
            answer.show(registers, {name, 0x80u});
        answer.show(loads, {std::nullopt, 1000u});
        answer.show(loads, {3u, 7u});
    };
    CHECK(shown({}, fill) ==
          "  pc   0x0000000000000080  ra   0x0000000000000080  sp   0x0000000000000080\n"
          "  gp   0x0000000000000080\n"
          "   CPU   run %\n"
          "     -   100.0\n"
          "     3     0.7\n");
    CHECK(shown({.json = true}, fill).find(R"({"kind":"load","cpu":null,"run":100.0})") !=
          std::string::npos);
}

TEST_CASE("what cannot be is said, and remembered", "[answer]") {
    const auto fill = [](Answer& answer) {
        answer.remark("for people");
        answer.refuse("a", "it is off");
        answer.refuse({}, "no");
    };
    CHECK(shown({}, fill) == "for people\na: it is off\nno\n");
    CHECK(shown({.json = true}, fill) == R"({"kind":"error","subject":"a","message":"it is off"})"
                                         "\n"
                                         R"({"kind":"error","subject":"","message":"no"})"
                                         "\n"
                                         R"({"kind":"end","command":"list","ok":false})"
                                         "\n");
}
