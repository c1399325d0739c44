// SPDX-License-Identifier: MIT
// "Debug Console Extension", with "Shared memory physical address range parameter". Whoever reads
// the console looks for the lines that this writes.
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

SbiResult transfer(SbiDbcn function, std::uint64_t size, std::uint64_t low,
                   std::uint64_t high = 0) {
    return call(SbiExtension::dbcn, function, size, low, high);
}

std::uint64_t address(const void* place) {
    return reinterpret_cast<std::uint64_t>(place);
}

struct Outside {
    std::string_view when;
    std::uint64_t size, low, high;
};

/// "The memory pointed to by the num_bytes, base_addr_lo, and base_addr_hi parameters does not
/// satisfy the requirements"; or SBI_ERR_FAILED, as a note to those says.
void check_outside(std::string_view what, SbiDbcn function) {
    const std::uint64_t size = world.ram_end - world.ram_base;
    const Outside outside[]{
        {"high word 1", 4, world.ram_base, 1},
        {"high word -1", 4, world.ram_base, all_ones},
        {"behind RAM", 1, world.ram_end, 0},
        {"half behind RAM", 8, world.ram_end - 4, 0},
        {"longer than RAM", size + 1, world.ram_base, 0},
        {"at the end of all addresses", 4, all_ones - 3, 0},
        {"wraps around", all_ones, world.ram_base + 16, 0},
        {"wraps around to RAM", all_ones - world.ram_base + 17, world.ram_base + 16, 0},
    };
    for (const Outside& each : outside)
        check_error(what, each.when, transfer(function, each.size, each.low, each.high),
                    {SbiError::invalid_param, SbiError::failed});
}

bool write_all(std::string_view text) {
    const std::uint64_t begin = now();
    while (!text.empty()) {
        const SbiResult written =
            transfer(SbiDbcn::console_write, text.size(), address(text.data()));
        if (!written.ok() || written.value > text.size() || now() - begin > patience) return false;
        text.remove_prefix(written.value);
    }
    return true;
}

void check_write() {
    constexpr std::string_view what = "DBCN console_write";
    check(what, "all bytes, in pieces as they come", write_all("console_write wrote this\n"));
    static char last[32];
    constexpr std::string_view text = "console_write wrote the last bytes of RAM\n";
    auto* const end = reinterpret_cast<char*>(world.ram_end) - text.size();
    std::memcpy(end, text.data(), text.size());
    check(what, "the last bytes of RAM", write_all({end, text.size()}));
    check_result(what, "0 bytes", transfer(SbiDbcn::console_write, 0, address(last)), 0);
}

void check_read() {
    constexpr std::string_view what = "DBCN console_read";
    static char buffer[16];
    std::memset(buffer, '.', sizeof buffer);
    check_result(what, "0 bytes", transfer(SbiDbcn::console_read, 0, address(buffer)), 0);
    check_result(what, "no input", transfer(SbiDbcn::console_read, 8, address(buffer)), 0);
    check(what, "no input: nothing is written", buffer[0] == '.');
    println("conformance: type hello");  // whoever reads this log does
    std::size_t count = 0;
    eventually([&] {
        const SbiResult read = transfer(SbiDbcn::console_read, 5 - count, address(buffer + count));
        if (read.ok() && read.value <= 5 - count) count += read.value;
        return count == 5 || !read.ok();
    });
    check(what, "what was typed", std::string_view(buffer, 5) == "hello");
    check(what, "and nothing behind it", std::string_view(buffer + 5, 11) == "...........");
}

void check_write_byte() {
    constexpr std::string_view what = "DBCN console_write_byte";
    bool written = true;
    for (const char byte : std::string_view("console_write_byte wrote this"))
        written &= call(SbiExtension::dbcn, SbiDbcn::console_write_byte, byte) == sbi_success();
    check(what, "success, value 0", written);
    check_result(
        what, "bits above the byte",
        call(SbiExtension::dbcn, SbiDbcn::console_write_byte, 0xffff'ffff'ffff'ff00 | '\n'), 0);
}

}  // namespace

void check_dbcn() {
    if (!begin_extension(SbiExtension::dbcn, "DBCN", 3)) return;
    check_write();
    check_read();
    check_write_byte();
    if (!dares("dbcn-address")) return;
    check_outside("DBCN console_write", SbiDbcn::console_write);
    check_outside("DBCN console_read", SbiDbcn::console_read);
}

}  // namespace cairn::guest::conformance
