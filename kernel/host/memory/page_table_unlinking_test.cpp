// SPDX-License-Identifier: MIT
// Tables that come and go under harts that use them.
#include <utility>

#include "kernel/arch/isa/stage2_mode.hpp"
#include "kernel/host/memory/page_table.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/frame_arena.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t kibi = 1ull << 10;
constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;

PageTable make(FrameArena& arena) {
    auto table = PageTable::create(stage2::format(Stage2Mode::sv39x4), arena);
    REQUIRE(table);
    return std::move(*table);
}

/// What there was when all forgot.
struct Look final : TranslationFence {
    Look(FrameArena& arena, const PageTable& table) : arena(arena), table(table) {}
    void forget(std::uint64_t, std::uint64_t) override {
        ++times;
        used = arena.used();
        root = arena.word(table.root() + 8);
    }
    FrameArena& arena;
    const PageTable& table;
    int times = 0;
    std::size_t used = 0;
    std::uint64_t root = 0;
};

TEST_CASE("nothing leads to a table any more when all forget, and it is not free yet",
          "[page_table_unlinking]") {
    FrameArena arena;
    PageTable table = make(arena);
    REQUIRE(table.map(gibi + 2 * mebi - 4 * kibi, {3 * gibi}, 8 * kibi, pages_rwx));
    const std::size_t used = arena.used();
    Look users(arena, table);
    REQUIRE(table.unmap(gibi + 2 * mebi - 4 * kibi, 8 * kibi, &users));
    CHECK(users.times == 1);
    CHECK(users.root == 0);
    CHECK(users.used == used);
    CHECK(arena.used() == used - 3);  // two of pages, and the one above
}

TEST_CASE("tables that lead nowhere are never there to be seen", "[page_table_unlinking]") {
    FrameArena arena(5);  // the root, and one
    PageTable table = make(arena);
    const HostPhys slot = table.root() + 8;
    CHECK(table.map(gibi, {3 * gibi}, 4 * kibi, pages_rwx).error() == PageTableError::no_frames);
    CHECK(arena.word(slot) == 0);
    CHECK(arena.used() == 4);
}

}  // namespace
}  // namespace cairn
