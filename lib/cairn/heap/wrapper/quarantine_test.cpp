// SPDX-License-Identifier: MIT
#include "cairn/heap/wrapper/quarantine.hpp"

#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("Blocks leave the quarantine in the order they came", "[quarantine]") {
    std::vector<std::byte> memory(Quarantine::most_blocks + 10);
    Quarantine ring;
    CHECK_FALSE(ring.take_oldest().has_value());
    CHECK_FALSE(ring.take_excess(0).has_value());
    for (std::size_t i = 0; i < 5; ++i)
        CHECK_FALSE(ring.put({&memory[i], 10}).has_value());
    CHECK(ring.blocks() == 5);
    CHECK(ring.bytes() == 50);
    CHECK_FALSE(ring.take_excess(50).has_value());
    CHECK(ring.take_excess(49)->block == &memory[0]);
    CHECK(ring.take_oldest()->block == &memory[1]);
    CHECK(ring.bytes() == 30);
}

TEST_CASE("A full quarantine gives the oldest for a new block", "[quarantine]") {
    std::vector<std::byte> memory(2 * Quarantine::most_blocks);
    Quarantine ring;
    for (std::size_t i = 0; i < memory.size(); ++i) {
        const auto displaced = ring.put({&memory[i], i});
        REQUIRE(displaced.has_value() == (i >= Quarantine::most_blocks));
        if (displaced) REQUIRE(displaced->block == &memory[i - Quarantine::most_blocks]);
    }
    CHECK(ring.blocks() == Quarantine::most_blocks);
    for (std::size_t i = Quarantine::most_blocks; i < memory.size(); ++i)
        REQUIRE(ring.take_oldest()->block == &memory[i]);
    CHECK(ring.bytes() == 0);
}
