// SPDX-License-Identifier: MIT
#include "kernel/vm/memory/stage2_table.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/frame_arena.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t gibi = 1ull << 30;

TEST_CASE("hgatp names mode, VMID and root", "[stage2_table]") {
    for (const Stage2Mode mode : {Stage2Mode::sv39x4, Stage2Mode::sv48x4, Stage2Mode::sv57x4}) {
        FrameArena arena;
        const auto table = Stage2Table::create(mode, arena);
        REQUIRE(table);
        CHECK(table->mode() == mode);
        const std::uint64_t hgatp = table->hgatp(0x3fff);
        CHECK(hgatp >> 60 == static_cast<std::uint64_t>(mode));
        CHECK((hgatp >> 44 & 0xffff) == 0x3fff);
        const std::uint64_t root = (hgatp & 0xfff'ffff'ffff) * 4096;
        CHECK(root % 16384 == 0);
        CHECK(arena.word({root}) == 0);
        CHECK(arena.word({root + 16384 - 8}) == 0);
    }
}

struct CountedHarts final : TranslationFence {
    void forget(std::uint64_t, std::uint64_t) override { ++forgotten; }
    int forgotten = 0;
};

TEST_CASE("a guest's address is up to four times as wide as the mode's", "[stage2_table]") {
    FrameArena arena;
    auto table = Stage2Table::create(Stage2Mode::sv39x4, arena);
    REQUIRE(table);
    const GuestPhys last{2047 * gibi};
    REQUIRE(table->map(last, {7 * gibi}, gibi, pages_rwx));
    const std::uint64_t root = (table->hgatp(0) & 0xfff'ffff'ffff) * 4096;
    CHECK(arena.word({root + 2047 * 8}) == (7 * gibi >> 12 << 10 | 0xdf));
    CHECK(table->translate(last + 5) == PageMapping{{7 * gibi + 5}, gibi, pages_rwx});
    CHECK(table->translate(last + gibi).error() == PageTableError::input_range);
    CHECK(table->statistics() == PageTableStatistics{{0, 0, 1, 0, 0}, 4});
    CountedHarts harts;
    CHECK(table->unmap(last, gibi, harts));
    CHECK(harts.forgotten == 1);
    CHECK(table->translate(last).error() == PageTableError::not_mapped);
    table->clear();
    CHECK(Stage2Table::create(Stage2Mode::sv39x4, arena));
}

}  // namespace
}  // namespace cairn
