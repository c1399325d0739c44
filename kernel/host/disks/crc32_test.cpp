// SPDX-License-Identifier: MIT
#include "kernel/host/disks/crc32.hpp"

#include <string_view>

#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("the known check sums come out, in one piece and in two", "[crc32]") {
    const auto of = [](std::string_view text, std::size_t cut) {
        Crc32 crc;
        const auto bytes = std::as_bytes(std::span(text));
        crc.add(bytes.first(cut));
        crc.add(bytes.subspan(cut));
        return crc.value();
    };
    CHECK(Crc32().value() == 0);
    for (std::size_t cut = 0; cut <= 9; ++cut)
        CHECK(of("123456789", cut) == 0xcbf4'3926);
    CHECK(of("The quick brown fox jumps over the lazy dog", 1) == 0x414f'a339);
}
