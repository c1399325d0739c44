// SPDX-License-Identifier: MIT
#include "kernel/vm/exits/exit_ring.hpp"

#include <array>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("a ring keeps the last exits, and finds them by number", "[exit_ring]") {
    for (const std::size_t capacity : {1u, 2u, 3u, 7u, 8u}) {
        std::vector<ExitRecord> room(capacity);
        ExitRing ring(room);
        CHECK(ring.capacity() == capacity);
        CHECK(ring.newest() == nullptr);
        CHECK(ring.find(0) == nullptr);
        for (std::uint64_t number = 0; number < 3 * capacity + 1; ++number) {
            ring.put({.time = 1000 + number});
            CHECK(ring.end() == number + 1);
            CHECK(ring.first() == (number < capacity ? 0 : number + 1 - capacity));
            REQUIRE(ring.newest() != nullptr);
            CHECK(ring.newest()->time == 1000 + number);
            for (std::uint64_t each = 0; each <= number + 1; ++each) {
                const ExitRecord* const found = ring.find(each);
                const bool is_kept = each >= ring.first() && each <= number;
                REQUIRE((found != nullptr) == is_kept);
                if (is_kept) CHECK(found->time == 1000 + each);
            }
        }
    }
}

TEST_CASE("a ring without room keeps nothing", "[exit_ring]") {
    ExitRing ring;
    ring.put({.time = 1});
    CHECK(ring.end() == 0);
    CHECK(ring.newest() == nullptr);
    CHECK(ring.find(0) == nullptr);
}
