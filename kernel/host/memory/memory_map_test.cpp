// SPDX-License-Identifier: MIT
#include "kernel/host/memory/memory_map.hpp"

#include <array>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;

std::vector<HostRange> ranges_of(const MemoryMap& map) {
    return {map.ranges().begin(), map.ranges().end()};
}

TEST_CASE("the map is whole frames of memory less reserved", "[memory_map]") {
    const std::array memory{HostRange{{0x9000'0000}, mebi}, HostRange{{0x8000'0800}, mebi}};
    const std::array reserved{
        HostRange{{0x8000'3fff}, 2},          // two frames, for one byte in each
        HostRange{{0x9000'0000}, 0},          // nothing
        HostRange{{0x900f'f000}, 16 * mebi},  // over the end
        HostRange{{0x1000}, 0x1000},          // outside
        HostRange{{~0ull}, ~0ull},            // wraps
    };
    const auto map = MemoryMap::create(memory, reserved);
    REQUIRE(map);
    CHECK(ranges_of(*map) == std::vector{HostRange{{0x8000'1000}, 0x2000},
                                         HostRange{{0x8000'5000}, mebi - 0x5000},
                                         HostRange{{0x9000'0000}, mebi - 0x1000}});
    CHECK(map->bytes() == 0x2000 + mebi - 0x5000 + mebi - 0x1000);
    CHECK(map->window() == HostRange{{0x8000'1000}, 0x1000'0000 + mebi - 0x2000});
}

TEST_CASE("a memory range that wraps is an error", "[memory_map]") {
    const std::array memory{HostRange{{~0ull - 0xfff}, 0x2000}};
    CHECK(MemoryMap::create(memory, {}).error() == MemoryMapError::wraps);
}

TEST_CASE("more ranges than fit are an error", "[memory_map]") {
    std::vector<HostRange> memory;
    for (std::uint64_t i = 0; i <= RangeList::capacity; ++i)
        memory.push_back({{i * mebi}, 4096});
    CHECK(MemoryMap::create(memory, {}).error() == MemoryMapError::too_many_ranges);
    // Holes count too.
    const std::array one{HostRange{{0}, gibi}};
    CHECK(MemoryMap::create(one, memory).error() == MemoryMapError::too_many_ranges);
}

TEST_CASE("a range is taken from the shortest that holds it", "[memory_map]") {
    const std::array memory{HostRange{{0x8000'0000}, mebi}, HostRange{{0x9000'0000}, 0x3000},
                            HostRange{{0xa000'0000}, mebi}};
    MemoryMap map = *MemoryMap::create(memory, {});
    CHECK(map.take(0x2001) == HostRange{{0x9000'0000}, 0x3000});
    CHECK(map.take(1) == HostRange{{0x8000'0000}, 0x1000});
    CHECK(map.take(mebi) == HostRange{{0xa000'0000}, mebi});
    CHECK_FALSE(map.take(mebi));
    CHECK_FALSE(map.take(0));
    CHECK_FALSE(map.take(~0ull));
    CHECK(ranges_of(map) == std::vector{HostRange{{0x8000'1000}, mebi - 0x1000}});
}

TEST_CASE("the range that is farthest for its size goes first", "[memory_map]") {
    const std::array memory{HostRange{{0}, 0x2000}, HostRange{{mebi}, mebi},
                            HostRange{{gibi}, 0x3000}, HostRange{{gibi + mebi}, 0x1000}};
    MemoryMap map = *MemoryMap::create(memory, {});
    CHECK(map.window() == HostRange{{0}, gibi + mebi + 0x1000});
    CHECK(map.take_farthest() == memory[3]);
    CHECK(map.take_farthest() == memory[2]);
    CHECK(map.take_farthest() == memory[0]);
    CHECK(map.window() == memory[1]);
    CHECK(map.bytes() == mebi);
    CHECK(MemoryMap().window() == HostRange{});
}

}  // namespace
}  // namespace cairn
