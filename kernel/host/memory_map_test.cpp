// SPDX-License-Identifier: MIT
#include "kernel/host/memory_map.hpp"

#include <rapidcheck.h>

#include <array>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t kibi = 1ull << 10;
constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;
constexpr GuestPhys guest_base{0x8000'0000};

std::vector<HostRange> free_of(const MemoryMap& map) {
    return {map.free_ranges().begin(), map.free_ranges().end()};
}

/// QEMU's virt with `size` of RAM: firmware, then the kernel with its heap.
MemoryMap virt(std::uint64_t size) {
    const std::array memory{HostRange{{0x8000'0000}, size}};
    const std::array reserved{HostRange{{0x8000'0000}, 512 * kibi},
                              HostRange{{0x8020'0000}, 102 * mebi}};
    auto map = MemoryMap::create(memory, reserved);
    REQUIRE(map);
    return *map;
}

TEST_CASE("free memory is whole frames of memory less reserved", "[memory_map]") {
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
    CHECK(free_of(*map) == std::vector{HostRange{{0x8000'1000}, 0x2000},
                                       HostRange{{0x8000'5000}, mebi - 0x5000},
                                       HostRange{{0x9000'0000}, mebi - 0x1000}});
    CHECK(map->total_bytes() == 0x2000 + mebi - 0x5000 + mebi - 0x1000);
    CHECK(map->free_bytes() == map->total_bytes());
    CHECK(map->largest_free() == mebi - 0x1000);
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

TEST_CASE("guest RAM of 1 GiB and more is congruent modulo 1 GiB where it can be", "[memory_map]") {
    MemoryMap map = virt(4 * gibi);
    const auto large = map.take_guest_ram(2 * gibi, guest_base);
    REQUIRE(large);
    CHECK(*large == HostRange{{0xc000'0000}, 2 * gibi});
    // 0x8680'0000 to 0xc000'0000 is left below, less than 1 GiB; 1 GiB above.
    CHECK(map.take_guest_ram(gibi, guest_base) == HostRange{{0x1'4000'0000}, gibi});
    CHECK_FALSE(map.take_guest_ram(gibi, guest_base));
    CHECK(map.take_guest_ram(256 * mebi, guest_base) == HostRange{{0x8680'0000}, 256 * mebi});
}

TEST_CASE("guest RAM falls back to 2 MiB", "[memory_map]") {
    MemoryMap map = virt(2 * gibi);
    CHECK(map.take_guest_ram(gibi + gibi / 2, guest_base) ==
          HostRange{{0x8680'0000}, gibi + gibi / 2});
}

TEST_CASE("a guest base off the superpages is followed", "[memory_map]") {
    MemoryMap map = virt(4 * gibi);
    CHECK(map.take_guest_ram(mebi, {0x8010'0000})->base.value % (2 * mebi) == mebi);
    CHECK(map.take_guest_ram(gibi, {0x9000'0000})->base.value % gibi == 0x1000'0000);
}

TEST_CASE("page tables come from the smallest gap", "[memory_map]") {
    MemoryMap map = virt(gibi);
    CHECK(map.take_page() == HostPhys{0x8008'0000});
    CHECK(map.take_frames(4, 16 * kibi) == HostPhys{0x8008'4000});
    CHECK(map.take_page() == HostPhys{0x8008'1000});
}

TEST_CASE("senseless requests give nothing", "[memory_map]") {
    MemoryMap map = virt(gibi);
    CHECK_FALSE(map.take(0));
    CHECK_FALSE(map.take(~0ull));
    CHECK_FALSE(map.take(gibi));
    CHECK_FALSE(map.take(4096, 3 * 4096));
    CHECK_FALSE(map.take(4096, 2048));
    CHECK_FALSE(map.take(4096, 8192, 100));
    CHECK_FALSE(map.take_frames(0));
    CHECK_FALSE(map.take_frames(1ull << 60));
    CHECK_FALSE(map.take_guest_ram(0, guest_base));
    CHECK(map.free_bytes() == map.total_bytes());
}

TEST_CASE("only what was taken can be given back", "[memory_map]") {
    MemoryMap map = virt(gibi);
    const auto before = free_of(map);
    const auto page = map.take_page();
    REQUIRE(page);
    CHECK(map.give_back({*page, 8192}).error() == MemoryMapError::not_taken);       // too much
    CHECK(map.give_back({*page, 100}).error() == MemoryMapError::not_taken);        // no frames
    CHECK(map.give_back({{0}, 4096}).error() == MemoryMapError::not_taken);         // no memory
    CHECK(map.give_back({*page, ~0xfffull}).error() == MemoryMapError::not_taken);  // wraps
    CHECK(map.give_back({*page, 4096}));
    CHECK(map.give_back({*page, 4096}).error() == MemoryMapError::not_taken);  // twice
    CHECK(free_of(map) == before);
}

TEST_CASE("takes are disjoint, aligned, free, and all comes back", "[memory_map]") {
    const bool holds = rc::check("against a list of what is out", [] {
        const std::array memory{HostRange{{0x8000'0000}, 64 * mebi},
                                HostRange{{0x1'0000'0000}, 64 * mebi}};
        const std::array reserved{HostRange{{0x8010'0000}, mebi}};
        MemoryMap map = *MemoryMap::create(memory, reserved);
        const auto before = free_of(map);
        std::vector<HostRange> taken;
        std::uint64_t out = 0;
        const auto steps = *rc::gen::inRange(1, 60);
        for (int step = 0; step < steps; ++step) {
            if (!taken.empty() && *rc::gen::inRange(0, 3) == 0) {
                const auto which = *rc::gen::inRange<std::size_t>(0, taken.size());
                RC_ASSERT(map.give_back(taken[which]).has_value());
                out -= taken[which].size;
                taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(which));
                continue;
            }
            const auto size = *rc::gen::inRange<std::uint64_t>(1, 4 * mebi);
            const auto alignment = 1ull << *rc::gen::inRange(12, 24);
            const auto remainder = *rc::gen::inRange<std::uint64_t>(0, 64) * 4096 % alignment;
            const auto range = map.take(size, alignment, remainder);
            if (!range) continue;
            RC_ASSERT(range->size >= size && range->size < size + 4096);
            RC_ASSERT(range->base.value % alignment == remainder);
            const auto holds = [&](const HostRange& free) {
                return free.contains(range->base, range->size);
            };
            RC_ASSERT(std::any_of(before.begin(), before.end(), holds));
            for (const HostRange& other : taken)
                RC_ASSERT(!range->overlaps(other));
            taken.push_back(*range);
            out += range->size;
            RC_ASSERT(map.free_bytes() + out == map.total_bytes());
        }
        for (const HostRange& range : taken)
            RC_ASSERT(map.give_back(range).has_value());
        RC_ASSERT(free_of(map) == before);
    });
    CHECK(holds);
}

}  // namespace
}  // namespace cairn
