// SPDX-License-Identifier: MIT
#include "kernel/host/memory/address_space.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "kernel/arch/isa/stage1_mode.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/frame_arena.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;

using Ranges = std::vector<HostRange>;

/// QEMU's virt with 2 GiB, Cairn by the first door.
struct Virt {
    Ranges memory{{{0x8000'0000}, 2 * gibi}};
    Ranges reserved{{{0x8000'0000}, 0x8'0000}};
    Ranges own{{{0x8020'0000}, 102 * mebi}};
    Ranges devices{{{0x1000'0000}, 0x100}, {{0x0c00'0000}, 0x60'0000}, {{0x10'0000}, 0x1000}};
    Ranges read_only{{{0xbfe0'0000}, 0x1234}, {{0x8820'0000}, 5 * mebi + 1}};
    HostRange constants{{0x8020'0000}, 0x2'1000};
    HostRange code{{0x8020'0000}, 0x1'aafc};

    [[nodiscard]] AddressSpaceParts parts() const {
        return {.memory = memory,
                .reserved = reserved,
                .own = own,
                .devices = devices,
                .read_only = read_only,
                .constants = constants,
                .code = code};
    }
};

bool touches(const Ranges& ranges, HostRange page) {
    return std::ranges::any_of(
        ranges, [page](HostRange range) { return range.size != 0 && range.overlaps(page); });
}

bool lies_in_one(const Ranges& ranges, HostRange page) {
    return std::ranges::any_of(
        ranges, [page](HostRange range) { return range.contains(page.base, page.size); });
}

/// What the list in the header says of `page`, the last line first.
std::optional<PagePermissions> model(const AddressSpaceParts& parts, HostPhys address) {
    const HostRange page{{address.value & ~(frame_size - 1)}, frame_size};
    const auto all = [](std::span<const HostRange> span) {
        return Ranges(span.begin(), span.end());
    };
    if (page.base.value == 0) return std::nullopt;
    if (touches({parts.code}, page)) return pages_rx;
    if (touches({parts.constants}, page) || touches(all(parts.read_only), page)) return pages_r;
    if (touches(all(parts.devices), page) || touches(all(parts.own), page)) return pages_rw;
    const bool ram = lies_in_one(all(parts.memory), page) && !touches(all(parts.reserved), page);
    return ram ? std::optional(pages_rw) : std::nullopt;
}

/// Whether a table of `parts` says of `address` what the model says.
bool agrees(const PageTable& table, const AddressSpaceParts& parts, HostPhys address) {
    const auto expected = model(parts, address);
    const auto found = table.translate(address.value);
    if (!expected) return !found && found.error() == PageTableError::not_mapped;
    return found && found->host == address && found->permissions == *expected;
}

/// The table of `parts`; it must be possible.
PageTable table_of(const AddressSpaceParts& parts, FrameArena& arena) {
    const auto space = plan_address_space(parts);
    REQUIRE(space);
    const auto mode = stage1::narrowest_mode(space->end());
    REQUIRE(mode);
    auto table = PageTable::create(stage1::format(*mode), arena);
    REQUIRE(table);
    REQUIRE(map_address_space(*table, *space));
    return std::move(*table);
}

TEST_CASE("QEMU's virt: who may do what with which address", "[address_space]") {
    const Virt virt;
    FrameArena arena;
    const PageTable table = table_of(virt.parts(), arena);
    const auto may = [&](std::uint64_t address) {
        const auto found = table.translate(address);
        return found ? std::optional(found->permissions) : std::nullopt;
    };
    CHECK_FALSE(may(0));
    CHECK_FALSE(may(0x1000));
    CHECK(may(0x1000'0000) == pages_rw);  // UART
    CHECK_FALSE(may(0x1000'1000));
    CHECK(may(0x0c20'0004) == pages_rw);  // PLIC
    CHECK(may(0x10'0000) == pages_rw);    // test device
    CHECK_FALSE(may(0x8000'0000));        // firmware
    CHECK_FALSE(may(0x8007'ffff));
    CHECK(may(0x8008'0000) == pages_rw);
    CHECK(may(0x8020'0000) == pages_rx);
    CHECK(may(0x8021'afff) == pages_rx);
    CHECK(may(0x8021'b000) == pages_r);
    CHECK(may(0x8022'1000) == pages_rw);
    CHECK(may(0x8820'0000) == pages_r);  // archive
    CHECK(may(0x8870'0fff) == pages_r);
    CHECK(may(0x8870'1000) == pages_rw);
    CHECK(may(0xbfe0'1234) == pages_r);  // device tree
    CHECK(may(0xffff'ffff) == pages_rw);
    CHECK_FALSE(may(0x1'0000'0000));
    CHECK(table.translate(0xc000'0000)->leaf_size == gibi);
    CHECK(table.translate(0x9000'0000)->leaf_size == 2 * mebi);
    CHECK(table.statistics().table_pages <= 10);
}

TEST_CASE("the end of everything decides the mode", "[address_space]") {
    Virt virt;
    CHECK(plan_address_space(virt.parts())->end() == HostPhys{0x1'0000'0000});
    virt.memory.push_back({{300 * gibi}, gibi});
    CHECK(plan_address_space(virt.parts())->end() == HostPhys{301 * gibi});
    FrameArena arena;
    CHECK(table_of(virt.parts(), arena).translate(300 * gibi)->leaf_size == gibi);
    CHECK(AddressSpace{}.end() == HostPhys{0});
}

TEST_CASE("RAM at 0 begins with page 1", "[address_space]") {
    Virt virt;
    virt.memory.push_back({{0}, 4 * mebi});
    FrameArena arena;
    const PageTable table = table_of(virt.parts(), arena);
    CHECK_FALSE(table.translate(frame_size - 1));
    CHECK(table.translate(frame_size)->permissions == pages_rw);
}

TEST_CASE("what cannot be planned says why", "[address_space]") {
    Virt virt;
    for (std::uint64_t hole = 0; hole < 129; ++hole)
        virt.reserved.push_back({{0x9000'0000 + hole * 2 * frame_size}, frame_size});
    CHECK(plan_address_space(virt.parts()).error() == MemoryMapError::too_many_ranges);
    virt.memory.push_back({{~0ull - 4096}, 8192});
    CHECK(plan_address_space(virt.parts()).error() == MemoryMapError::wraps);
}

/// A range of some bytes near one of a few places, so that ranges meet and overlap.
HostRange random_range() {
    const auto place = *rc::gen::element<std::uint64_t>(0, 0x1000'0000, 2 * gibi, 2 * gibi + mebi,
                                                        3 * gibi, 300 * gibi);
    const auto offset = *rc::gen::inRange<std::uint64_t>(0, 12) * 0x800;
    const auto size = *rc::gen::element<std::uint64_t>(0, 1, 0x800, 0x1000, 0x3800, mebi, gibi);
    return {{place + offset}, size};
}

Ranges random_ranges(std::size_t most) {
    Ranges ranges;
    for (auto left = *rc::gen::inRange<std::size_t>(0, most + 1); left > 0; --left)
        ranges.push_back(random_range());
    return ranges;
}

TEST_CASE("every address has exactly the permission of the model", "[address_space]") {
    const bool holds = rc::check("model", [] {
        Virt some{.memory = random_ranges(3),
                  .reserved = random_ranges(4),
                  .own = random_ranges(2),
                  .devices = random_ranges(3),
                  .read_only = random_ranges(2),
                  .constants = random_range(),
                  .code = {}};
        some.code = {some.constants.base, some.constants.size / 2};
        FrameArena arena;
        const PageTable table = table_of(some.parts(), arena);
        // Permissions change nowhere but near the ends of ranges.
        for (const Ranges& ranges : {some.memory, some.reserved, some.own, some.devices,
                                     some.read_only, Ranges{some.constants, some.code, {{0}, 1}}}) {
            for (const HostRange& range : ranges) {
                for (const HostPhys edge : {range.base, range.end()}) {
                    for (const std::uint64_t step : {0u, 1u, 0x7ffu, 0x1000u, 0x1001u}) {
                        RC_ASSERT(agrees(table, some.parts(), edge + step));
                        if (edge.value >= step) RC_ASSERT(agrees(table, some.parts(), edge - step));
                    }
                }
            }
        }
    });
    CHECK(holds);
}

}  // namespace
}  // namespace cairn
