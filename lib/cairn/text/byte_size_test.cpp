// SPDX-License-Identifier: MIT
#include "cairn/byte_size.hpp"

#include <rapidcheck.h>

#include <string>

#include "cairn/print.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

std::string text(std::uint64_t bytes) {
    FixedBuffer<64> out;
    print(out, "{}", ByteSize{bytes});
    return std::string(out.view());
}

TEST_CASE("sizes are numbers with a binary suffix", "[byte_size]") {
    CHECK(parse_byte_size("0") == 0u);
    CHECK(parse_byte_size("512") == 512u);
    CHECK(parse_byte_size("1K") == 1024u);
    CHECK(parse_byte_size("512M") == 512ull << 20);
    CHECK(parse_byte_size("2g") == 2ull << 30);
    CHECK(parse_byte_size("1T") == 1ull << 40);
    CHECK(parse_byte_size("3KiB") == 3072u);
    CHECK(parse_byte_size("3mib") == 3ull << 20);
    CHECK(parse_byte_size("1 GiB") == 1ull << 30);
    CHECK(parse_byte_size("0x10") == 16u);
    CHECK(parse_byte_size("0XfFm") == 255ull << 20);
    CHECK(parse_byte_size("18446744073709551615") == ~0ull);
    CHECK(parse_byte_size("16777215T") == 16777215ull << 40);
}

TEST_CASE("what is no size, or too large a one, is nothing", "[byte_size]") {
    for (const auto* bad : {"",
                            " ",
                            "M",
                            "12Q",
                            "12MB",
                            "12KB",
                            "12iB",
                            "12Mi",
                            "12MiBs",
                            "-1",
                            "+1",
                            "0x",
                            "0xM",
                            "x10",
                            "1.5G",
                            "1,5G",
                            "1e3",
                            "12 34",
                            "0b1",
                            "1\t",
                            "18446744073709551616",
                            "0x10000000000000000",
                            "16777216T",
                            "99999999999999999999999999"}) {
        INFO(bad);
        CHECK_FALSE(parse_byte_size(bad));
    }
}

TEST_CASE("sizes are written for a reader", "[byte_size]") {
    CHECK(text(0) == "0 bytes");
    CHECK(text(1) == "1 byte");
    CHECK(text(1023) == "1023 bytes");
    CHECK(text(1024) == "1 KiB");
    CHECK(text(1536) == "1.5 KiB");
    CHECK(text(64ull << 20) == "64 MiB");
    CHECK(text((31ull << 20) + 500'000) == "31.5 MiB");
    CHECK(text((2ull << 30) - 1) == "2 GiB");
    CHECK(text(~0ull) == "17179869184 GiB");
}

TEST_CASE("a number and its suffix multiply", "[byte_size]") {
    const bool holds = rc::check("parse", [] {
        const auto number = *rc::gen::inRange<std::uint64_t>(0, 1ull << 24);
        const auto power = *rc::gen::inRange(0, 5);
        const std::string suffix = power == 0 ? "" : std::string(1, "KMGT"[power - 1]);
        RC_ASSERT(parse_byte_size(std::to_string(number) + suffix) == number << (10 * power));
    });
    CHECK(holds);
}

}  // namespace
}  // namespace cairn
