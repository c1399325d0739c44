// SPDX-License-Identifier: MIT
#include "kernel/host/drivers/log_ring.hpp"

#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

/// All that is kept from `position` on, read `piece` bytes at a time.
template <std::size_t Capacity>
std::string read(const LogRing<Capacity>& ring, std::uint64_t position, std::size_t piece = 3) {
    std::string text;
    std::array<char, 16> bytes{};
    while (const std::size_t count = ring.copy(position, std::span(bytes).first(piece)))
        text.append(bytes.data(), count);
    return text;
}

}  // namespace

TEST_CASE("a log keeps all while there is room", "[log_ring]") {
    LogRing<8> ring;
    CHECK(read(ring, 0).empty());
    ring.put("one");
    ring.put(" two");
    CHECK(read(ring, 0) == "one two");
    CHECK(read(ring, 4) == "two");
    CHECK(ring.first() == 0);
}

TEST_CASE("a log loses what is oldest, and counts it", "[log_ring]") {
    LogRing<8> ring;
    ring.put("0123456789");
    CHECK(ring.first() == 2);
    CHECK(ring.end() == 10);
    CHECK(read(ring, 0) == "23456789");
    std::uint64_t position = 0;
    std::array<char, 4> bytes{};
    CHECK(ring.copy(position, bytes) == 4);
    CHECK(position == 6);
    ring.put("abcdefgh");
    CHECK(read(ring, position, 16) == "abcdefgh");
}
