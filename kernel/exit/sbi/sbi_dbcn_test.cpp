// SPDX-License-Identifier: MIT
#include <cstring>

#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t buffer = GuestBench::ram_base + 0x800;

SbiResult write(GuestBench& bench, std::uint64_t size, std::uint64_t low, std::uint64_t high = 0) {
    return bench.call(SbiExtension::dbcn, SbiDbcn::console_write, size, low, high);
}
SbiResult read(GuestBench& bench, std::uint64_t size, std::uint64_t low, std::uint64_t high = 0) {
    return bench.call(SbiExtension::dbcn, SbiDbcn::console_read, size, low, high);
}
void place(GuestBench& bench, std::uint64_t at, std::string_view text) {
    std::memcpy(bench.ram.data() + (at - bench.ram_base), text.data(), text.size());
}
std::string_view text_at(const GuestBench& bench, std::uint64_t at, std::size_t size) {
    const auto* bytes = reinterpret_cast<const char*>(bench.ram.data() + (at - bench.ram_base));
    return {bytes, size};
}

struct Buffer {
    std::uint64_t size, low, high;
};
constexpr Buffer outside[]{
    {1, GuestBench::ram_end, 0},       // behind RAM
    {1, GuestBench::ram_base - 1, 0},  // before it
    {2, GuestBench::ram_end - 1, 0},   // half in it
    {GuestBench::ram_size + 1, GuestBench::ram_base, 0},
    {4, 0x1000'0000, 0},  // a device
    {~0ull, buffer, 0},   // wraps
    {~0ull - buffer + 1 + GuestBench::ram_base, buffer, 0},
    {16, ~0ull - 7, 0},
    {4, buffer, 1},  // beyond 64 bits
    {4, buffer, ~0ull},
    {0, 0, 1},
};

}  // namespace

TEST_CASE("console write: the bytes of the buffer", "[sbi_dbcn]") {
    GuestBench bench;
    place(bench, buffer, std::string_view("a\0\xffz", 4));
    CHECK(write(bench, 4, buffer) == sbi_success(4));
    CHECK(bench.console.text == std::string("a\0\xffz", 4));
    CHECK(write(bench, 0, buffer) == sbi_success(0));
    place(bench, bench.ram_base, "first");
    place(bench, bench.ram_end - 4, "last");
    bench.console.text.clear();
    CHECK(write(bench, 5, bench.ram_base) == sbi_success(5));
    CHECK(write(bench, 4, bench.ram_end - 4) == sbi_success(4));
    CHECK(bench.console.text == "firstlast");
}

TEST_CASE("console write: a call writes part of a long buffer", "[sbi_dbcn]") {
    GuestBench bench;
    const std::string text = std::string(128, 'a') + std::string(72, 'b');
    place(bench, buffer, text);
    CHECK(write(bench, 200, buffer) == sbi_success(128));
    CHECK(write(bench, 72, buffer + 128) == sbi_success(72));
    CHECK(bench.console.text == text);
}

TEST_CASE("console write: a line feed goes out behind a carriage return", "[sbi_dbcn]") {
    GuestBench bench;
    place(bench, buffer, "\na\n\nb\r\nc");
    CHECK(write(bench, 8, buffer) == sbi_success(8));
    CHECK(bench.console.text == "\r\na\r\n\r\nb\r\nc");
}

TEST_CASE("console write: a console that is full says how many of the guest's bytes went out",
          "[sbi_dbcn]") {
    const std::string_view text = "\na\r\n\n";
    const std::string_view lines = "\r\na\r\n\r\n";
    const std::size_t count_at[] = {0, 0, 1, 2, 3, 4, 4, 5};
    for (std::size_t room = 0; room <= lines.size(); ++room) {
        GuestBench bench;
        place(bench, buffer, text);
        bench.console.room = room;
        CHECK(write(bench, text.size(), buffer) == sbi_success(count_at[room]));
        CHECK(bench.console.text == lines.substr(0, room));
    }
}

TEST_CASE("console read: a call reads part of long input", "[sbi_dbcn]") {
    GuestBench bench;
    const std::string text = std::string(128, 'a') + std::string(72, 'b');
    bench.type(text);
    CHECK(read(bench, 200, buffer) == sbi_success(128));
    CHECK(read(bench, 200, buffer + 128) == sbi_success(72));
    CHECK(text_at(bench, buffer, 200) == text);
}

TEST_CASE("console write and read: only the guest's RAM", "[sbi_dbcn]") {
    GuestBench bench;
    bench.type("input");
    const std::vector<std::byte> before = bench.ram;
    for (const auto& [size, low, high] : outside) {
        INFO(std::hex << size << " bytes at " << high << ":" << low);
        CHECK(write(bench, size, low, high) == invalid_param);
        CHECK(read(bench, size, low, high) == invalid_param);
    }
    CHECK(bench.console.text.empty());
    CHECK(bench.ram == before);
    CHECK(read(bench, 8, buffer) == sbi_success(5));  // no input was lost
}

TEST_CASE("console read: what was typed, as much as there is", "[sbi_dbcn]") {
    GuestBench bench;
    place(bench, buffer, "........");
    CHECK(read(bench, 8, buffer) == sbi_success(0));
    CHECK(text_at(bench, buffer, 8) == "........");
    bench.type("hello");
    CHECK(read(bench, 2, buffer) == sbi_success(2));
    CHECK(read(bench, 0, buffer) == sbi_success(0));
    CHECK(read(bench, 6, buffer + 2) == sbi_success(3));
    CHECK(text_at(bench, buffer, 8) == "hello...");
    CHECK(read(bench, 8, buffer) == sbi_success(0));
}

TEST_CASE("console write byte: the low byte", "[sbi_dbcn]") {
    GuestBench bench;
    for (const std::uint64_t byte : {std::uint64_t{'x'}, 0xffff'ffff'ffff'ff00 | 'y'}) {
        CHECK(bench.call(SbiExtension::dbcn, SbiDbcn::console_write_byte, byte) == sbi_success());
    }
    CHECK(bench.console.text == "xy");
}

TEST_CASE("a console that is full takes fewer bytes, or none", "[sbi_dbcn]") {
    GuestBench bench;
    bench.console.room = 3;
    place(bench, buffer, "hello");
    CHECK(write(bench, 5, buffer) == sbi_success(3));
    CHECK(write(bench, 2, buffer + 3) == sbi_success(0));
    bench.console.room = 5;
    CHECK(write(bench, 2, buffer + 3) == sbi_success(2));
    CHECK(bench.console.text == "hello");
}

TEST_CASE("console write byte: the guest calls again until there is room", "[sbi_dbcn]") {
    GuestBench bench;
    bench.console.room = 0;
    Registers& x = bench.vcpu().context.x;
    const std::uint64_t pc = bench.vcpu().context.pc;
    x[10] = 'y';
    x[11] = 0x1234;
    x[16] = static_cast<std::uint64_t>(SbiDbcn::console_write_byte);
    x[17] = static_cast<std::uint64_t>(SbiExtension::dbcn);
    for (int times = 0; times < 2; ++times) {
        handle_sbi_call(bench.vm, bench.vcpu());
        CHECK(bench.vcpu().context.pc == pc);
        CHECK(x[10] == 'y');
        CHECK(x[11] == 0x1234);
    }
    bench.console.room = 1;
    handle_sbi_call(bench.vm, bench.vcpu());
    CHECK(bench.vcpu().context.pc == pc + 4);
    CHECK(x[10] == 0);
    CHECK(bench.console.text == "y");
}
