// SPDX-License-Identifier: MIT
#include "kernel/host/memory/page_table.hpp"

#include <rapidcheck.h>

#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "kernel/arch/isa/stage1_mode.hpp"
#include "kernel/arch/isa/stage2_mode.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/frame_arena.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t kibi = 1ull << 10;
constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;
constexpr std::uint64_t tebi = 1ull << 40;
constexpr std::array formats{
    stage1::format(SatpMode::sv39),     stage1::format(SatpMode::sv48),
    stage1::format(SatpMode::sv57),     stage2::format(Stage2Mode::sv39x4),
    stage2::format(Stage2Mode::sv48x4), stage2::format(Stage2Mode::sv57x4),
};
constexpr PageTableFormat sv39 = stage1::format(SatpMode::sv39);
constexpr PageTableFormat sv39x4 = stage2::format(Stage2Mode::sv39x4);
constexpr PageTableFormat sv48x4 = stage2::format(Stage2Mode::sv48x4);
constexpr PageTableFormat sv57x4 = stage2::format(Stage2Mode::sv57x4);

struct Walked {
    std::uint64_t host;
    std::uint64_t size;
    std::uint64_t pte;
};

/// The walk as the specification writes it ("Virtual Address Translation Process", with the
/// changes of "Guest Physical Address Translation"), in plain numbers.
std::optional<Walked> naive_walk(FrameArena& arena, const PageTable& table, PageTableFormat format,
                                 std::uint64_t address) {
    const unsigned levels = format.levels;
    if (address >> (12 + 9 * levels + format.root_extra_bits) != 0) return std::nullopt;
    std::uint64_t a = table.root().value;
    REQUIRE(a % (4096ull << format.root_extra_bits) == 0);
    for (unsigned i = levels; i-- > 0;) {
        const std::uint64_t mask =
            i == levels - 1 ? (512ull << format.root_extra_bits) - 1 : 0x1ffull;
        const std::uint64_t pte = arena.word({a + ((address >> (12 + 9 * i)) & mask) * 8});
        if ((pte & 1) == 0 || (pte & 6) == 4) return std::nullopt;
        const std::uint64_t ppn = pte >> 10 & 0xfff'ffff'ffff;
        REQUIRE(pte >> 54 == 0);     // N, PBMT and reserved bits
        REQUIRE((pte & 0x20) == 0);  // G
        if ((pte & 0xe) == 0) {
            REQUIRE((pte & 0xd0) == 0);  // D, A, U are reserved in a pointer
            a = ppn * 4096;
            continue;
        }
        REQUIRE((pte & 0xc0) == 0xc0);
        REQUIRE((pte & 0x10) == (format.root_extra_bits == 2 ? 0x10u : 0u));  // U in the G-stage
        const std::uint64_t size = 4096ull << (9 * i);
        REQUIRE(ppn * 4096 % size == 0);  // a misaligned superpage faults
        return Walked{ppn * 4096 + address % size, size, pte};
    }
    return std::nullopt;
}

PageTable make(PageTableFormat format, FrameArena& arena) {
    auto table = PageTable::create(format, arena);
    REQUIRE(table);
    return std::move(*table);
}

TEST_CASE("an empty table translates nothing", "[page_table]") {
    for (const PageTableFormat format : formats) {
        FrameArena arena;
        const PageTable table = make(format, arena);
        CHECK(table.translate(0).error() == PageTableError::not_mapped);
        const std::uint64_t last = (1ull << format.input_bits()) - 1;
        CHECK(table.translate(last).error() == PageTableError::not_mapped);
        CHECK(table.translate(last + 1).error() == PageTableError::input_range);
        CHECK(table.translate(~0ull).error() == PageTableError::input_range);
        CHECK(table.statistics().table_pages == format.root_pages());
        CHECK(arena.used() == format.root_pages());
        CHECK_FALSE(naive_walk(arena, table, format, 0));
    }
}

TEST_CASE("guest RAM on a 1 GiB boundary costs one entry a GiB", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    REQUIRE(table.map(2 * gibi, {7 * gibi}, 3 * gibi, pages_rwx));
    CHECK(table.statistics() == PageTableStatistics{{0, 0, 3, 0, 0}, 4});
    CHECK(table.translate(2 * gibi + 5) == PageMapping{{7 * gibi + 5}, gibi, pages_rwx});
    CHECK(table.translate(5 * gibi - 1)->host == HostPhys{10 * gibi - 1});
    CHECK(table.translate(2 * gibi - 1).error() == PageTableError::not_mapped);
    CHECK(table.translate(5 * gibi).error() == PageTableError::not_mapped);
    CHECK(naive_walk(arena, table, sv39x4, 3 * gibi + 77)->host == 8 * gibi + 77);
}

TEST_CASE("leaves are as large as both addresses and the size allow", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv48x4, arena);
    // Congruent modulo 2 MiB only: 4 KiB up to the boundary, 2 MiB, 4 KiB at the end.
    REQUIRE(table.map(gibi + 2 * mebi - 8 * kibi, {5 * gibi + 6 * mebi - 8 * kibi},
                      gibi + 12 * kibi, pages_rwx));
    CHECK(table.statistics().leaves == std::array<std::uint64_t, 5>{3, 512, 0, 0, 0});
    CHECK(table.translate(gibi + 2 * mebi - 4 * kibi)->leaf_size == 4 * kibi);
    CHECK(table.translate(gibi + 2 * mebi)->leaf_size == 2 * mebi);
    // 512 GiB where the mode has that level.
    REQUIRE(table.map(tebi, {2 * tebi}, tebi, pages_rwx));
    CHECK(table.statistics().leaves == std::array<std::uint64_t, 5>{3, 512, 0, 2, 0});

    PageTable small = make(sv39x4, arena);
    REQUIRE(small.map(tebi, {2 * tebi}, tebi, pages_rwx));
    CHECK(small.statistics().leaves == std::array<std::uint64_t, 5>{0, 0, 1024, 0, 0});

    PageTable large = make(sv57x4, arena);
    REQUIRE(large.map(256 * tebi, {512 * tebi}, 256 * tebi, pages_rwx));
    CHECK(large.statistics() == PageTableStatistics{{0, 0, 0, 0, 1}, 4});
}

TEST_CASE("permissions reach the entry", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    std::uint64_t at = 0;
    for (unsigned bits = 0; bits < 8; ++bits, at += frame_size) {
        const PagePermissions wanted{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
        const auto mapped = table.map(at, {at}, frame_size, wanted);
        if (bits == 0 || (bits & 3) == 2) {
            CHECK(mapped.error() == PageTableError::bad_permissions);
            continue;
        }
        REQUIRE(mapped);
        CHECK(table.translate(at)->permissions == wanted);
        CHECK((naive_walk(arena, table, sv39x4, at)->pte & 0xff) == (bits << 1 | 0xd1));
    }
}

TEST_CASE("every error leaves the table as it was", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    REQUIRE(table.map(gibi, {gibi}, gibi, pages_rwx));
    REQUIRE(table.map(4 * mebi, {4 * mebi}, 2 * mebi + 4 * kibi, pages_rwx));
    const PageTableStatistics before = table.statistics();
    const std::size_t used = arena.used();
    const auto map = [&](std::uint64_t address, std::uint64_t host, std::uint64_t size) {
        return table.map(address, {host}, size, pages_rwx).error();
    };
    const auto unmap = [&](std::uint64_t address, std::uint64_t size) {
        return table.unmap(address, size).error();
    };
    CHECK(map(1, 0, 4096) == PageTableError::unaligned);
    CHECK(map(0, 1, 4096) == PageTableError::unaligned);
    CHECK(map(0, 0, 4095) == PageTableError::unaligned);
    CHECK(map(0, 0, 0) == PageTableError::unaligned);
    CHECK(map(2 * tebi, 0, 4096) == PageTableError::input_range);
    CHECK(map(2 * tebi - 4096, 0, 8192) == PageTableError::input_range);
    CHECK(map(4096, 0, ~0xfffull) == PageTableError::input_range);
    CHECK(map(~0xfffull, 0, 8192) == PageTableError::input_range);
    CHECK(map(0, 1ull << 56, 4096) == PageTableError::host_range);
    CHECK(map(0, (1ull << 56) - 4096, 8192) == PageTableError::host_range);
    CHECK(map(gibi + 4096, 0, 4096) == PageTableError::already_mapped);  // inside a 1 GiB leaf
    CHECK(map(0, 0, 8 * mebi) == PageTableError::already_mapped);        // 2 MiB onto 2 MiB
    CHECK(map(0, 0, gibi) == PageTableError::already_mapped);            // a leaf onto a table
    CHECK(map(6 * mebi - 4096, 4096, 4096) == PageTableError::already_mapped);  // in a 2 MiB leaf
    CHECK(map(0, 4096, 4 * mebi + 4096) ==
          PageTableError::already_mapped);  // after 1024 small ones
    CHECK(unmap(1, 4096) == PageTableError::unaligned);
    CHECK(unmap(0, 0) == PageTableError::unaligned);
    CHECK(unmap(2 * tebi, 4096) == PageTableError::input_range);
    CHECK(unmap(0, 4096) == PageTableError::not_mapped);
    CHECK(unmap(4 * mebi, 4 * mebi) == PageTableError::not_mapped);  // mapped at first, then not
    CHECK(table.statistics() == before);
    CHECK(arena.used() == used);
    CHECK(table.translate(6 * mebi)->host == HostPhys{6 * mebi});
}

TEST_CASE("without frames nothing is mapped and nothing leaks", "[page_table]") {
    FrameArena arena(3);
    CHECK(PageTable::create(sv39x4, arena).error() == PageTableError::no_frames);
    arena.set_limit(4);
    PageTable table = make(sv57x4, arena);
    // A 4 KiB mapping needs four tables below the root; one that crosses 2 MiB needs five.
    for (std::size_t spare = 0; spare < 5; ++spare) {
        arena.set_limit(4 + spare);
        const auto mapped = table.map(2 * mebi - 4096, {0}, 8192, pages_rwx);
        CHECK(mapped.error() == PageTableError::no_frames);
        CHECK(arena.used() == 4);
        CHECK(table.statistics() == PageTableStatistics{{}, 4});
    }
    arena.set_limit(9);
    CHECK(table.map(2 * mebi - 4096, {0}, 8192, pages_rwx));
    CHECK(table.statistics() == PageTableStatistics{{2, 0, 0, 0, 0}, 9});
    CHECK(table.unmap(2 * mebi, 4096));
    CHECK(arena.used() == 8);
    table.clear();
    CHECK(arena.used() == 4);
}

TEST_CASE("a superpage can take the place of unmapped pages", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    REQUIRE(table.map(2 * mebi, {2 * mebi + 4096}, 2 * mebi, pages_rwx));
    CHECK(table.statistics() == PageTableStatistics{{512, 0, 0, 0, 0}, 6});
    REQUIRE(table.unmap(2 * mebi, 2 * mebi));
    CHECK(table.statistics() == PageTableStatistics{{}, 4});
    CHECK(table.map(0, {0}, gibi, pages_rwx));
}

TEST_CASE("moving hands the frames over", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    REQUIRE(table.map(0, {4096}, 4096, pages_rwx));
    PageTable moved(std::move(table));
    CHECK(moved.translate(0)->host == HostPhys{4096});
    PageTable other = make(sv48x4, arena);
    other = std::move(moved);
    CHECK(other.translate(1)->host == HostPhys{4097});
    CHECK(arena.used() == 6);
}

TEST_CASE("what remains of a split leaf says the same", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39, arena);
    REQUIRE(table.map(2 * gibi, {2 * gibi}, 2 * gibi, pages_rw));
    const std::uint64_t hole = 2 * gibi + 6 * mebi + 12 * kibi;
    REQUIRE(table.unmap(hole, 4 * kibi));
    CHECK(table.statistics() == PageTableStatistics{{511, 511, 1, 0, 0}, 3});
    CHECK(table.translate(hole).error() == PageTableError::not_mapped);
    CHECK(table.translate(hole - 1) == PageMapping{{hole - 1}, 4 * kibi, pages_rw});
    CHECK(table.translate(hole + 4 * kibi)->host == HostPhys{hole + 4 * kibi});
    CHECK(table.translate(3 * gibi - 1) == PageMapping{{3 * gibi - 1}, 2 * mebi, pages_rw});
    CHECK(table.translate(3 * gibi)->leaf_size == gibi);
    REQUIRE(table.unmap(2 * gibi, hole - 2 * gibi));
    REQUIRE(table.unmap(hole + 4 * kibi, 4 * gibi - hole - 4 * kibi));
    CHECK(table.statistics() == PageTableStatistics{{}, 1});
}

TEST_CASE("without frames no leaf is unmapped in part", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39, arena);
    REQUIRE(table.map(gibi, {gibi}, gibi, pages_rx));
    for (const std::size_t spare : {0u, 1u}) {
        arena.set_limit(1 + spare);
        CHECK(table.unmap(gibi + 4096, 4096).error() == PageTableError::no_frames);
        CHECK(table.translate(gibi + 4096)->permissions == pages_rx);
        CHECK(table.translate(2 * gibi - 1)->host == HostPhys{2 * gibi - 1});
    }
    arena.set_limit(3);
    CHECK(table.unmap(gibi + 4096, 4096));
}

TEST_CASE("the end of all addresses is an edge like any other", "[page_table]") {
    for (const PageTableFormat format : formats) {
        FrameArena arena;
        PageTable table = make(format, arena);
        const std::uint64_t end = 1ull << format.input_bits();
        REQUIRE(table.map(0, {0}, 2 * mebi, pages_r));
        REQUIRE(table.map(end - 2 * mebi, {0}, 2 * mebi, pages_r));
        CHECK(table.unmap(end - 4096, 4096));
        CHECK(table.translate(0)->leaf_size == 2 * mebi);
        CHECK(table.translate(end - 4097)->leaf_size == 4 * kibi);
    }
}

/// What harts were made to forget, and whether the entries there were invalid meanwhile.
struct ForgetLog final : TranslationFence {
    explicit ForgetLog(const PageTable& table) : table(table) {}
    void forget(std::uint64_t address, std::uint64_t size) override {
        ranges.emplace_back(address, size);
        broken.push_back(!table.translate(address).has_value());
    }
    const PageTable& table;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
    std::vector<bool> broken;
};

TEST_CASE("tables are freed when all have forgotten what led there", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    REQUIRE(table.map(gibi, {3 * gibi}, 4 * mebi, pages_rwx));
    const PageTableStatistics before = table.statistics();
    ForgetLog users(table);
    CHECK(table.unmap(gibi + 2 * mebi + 4 * kibi, 8 * kibi, &users));  // which splits a leaf
    CHECK(users.ranges.size() == 2);
    CHECK(users.ranges.back() == std::pair{std::uint64_t{0}, ~std::uint64_t{0}});
    CHECK_FALSE(table.translate(gibi + 2 * mebi + 8 * kibi));
    CHECK(table.translate(gibi + 2 * mebi)->host == HostPhys{3 * gibi + 2 * mebi});
    CHECK(table.translate(gibi + 2 * mebi + 12 * kibi));
    CHECK(table.unmap(gibi + 2 * mebi, 4 * kibi, &users));
    CHECK(table.unmap(gibi + 2 * mebi + 12 * kibi, 2 * mebi - 12 * kibi, &users));
    CHECK(table.statistics().table_pages == before.table_pages);
    CHECK(table.unmap(gibi, 2 * mebi, &users));
    CHECK(table.statistics() == PageTableStatistics{{}, 4});
    CHECK_FALSE(table.unmap(gibi, 2 * mebi, &users));
}

TEST_CASE("protect changes what is permitted there and nothing else", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    REQUIRE(table.map(gibi, {3 * gibi}, gibi, pages_rwx));
    ForgetLog users(table);
    const std::uint64_t page = gibi + 4 * mebi + 8 * kibi;
    REQUIRE(table.protect(page, 4 * kibi, pages_rx, users));
    CHECK(table.translate(page) == PageMapping{{page + 2 * gibi}, 4 * kibi, pages_rx});
    CHECK(table.translate(page - 1)->permissions == pages_rwx);
    CHECK(table.translate(page + 4 * kibi)->permissions == pages_rwx);
    CHECK(table.statistics().leaves == std::array<std::uint64_t, 5>{512, 511, 0, 0, 0});
    // Each split is broken before it is made; the leaf itself changes in one store.
    CHECK(users.ranges ==
          decltype(users.ranges){{gibi, gibi}, {gibi + 4 * mebi, 2 * mebi}, {page, 4 * kibi}});
    CHECK(users.broken == std::vector{true, true, false});
    CHECK(table.protect(page, 4 * kibi, {}, users).error() == PageTableError::bad_permissions);
    CHECK(table.protect(0, 4 * kibi, pages_r, users).error() == PageTableError::not_mapped);
    CHECK(table.protect(page, 1, pages_r, users).error() == PageTableError::unaligned);
    CHECK(table.protect(2 * tebi, 4 * kibi, pages_r, users).error() == PageTableError::input_range);
}

TEST_CASE("move has what is mapped lie elsewhere, broken before it is made", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    REQUIRE(table.map(gibi, {3 * gibi}, gibi, pages_rx));
    ForgetLog users(table);
    // From the end of one table into the next.
    const std::uint64_t pages = gibi + 4 * mebi - 8 * kibi;
    REQUIRE(table.move(pages, {7 * gibi + 4 * kibi}, 16 * kibi, pages_rwx, users));
    for (std::uint64_t at = 0; at < 16 * kibi; at += 4 * kibi) {
        CHECK(table.translate(pages + at) ==
              PageMapping{{7 * gibi + 4 * kibi + at}, 4 * kibi, pages_rwx});
    }
    CHECK(table.translate(pages - 1) == PageMapping{{pages - 1 + 2 * gibi}, 4 * kibi, pages_rx});
    CHECK(table.translate(pages + 16 * kibi)->host == HostPhys{pages + 16 * kibi + 2 * gibi});
    CHECK(users.ranges.back() == std::pair{pages, 16 * kibi});
    CHECK(users.broken == std::vector(users.broken.size(), true));
    CHECK(table.statistics().leaves == std::array<std::uint64_t, 5>{1024, 510, 0, 0, 0});
    CHECK(naive_walk(arena, table, sv39x4, pages)->host == 7 * gibi + 4 * kibi);
    // Whole leaves of 2 MiB stay whole.
    REQUIRE(table.move(gibi + 8 * mebi, {8 * gibi}, 4 * mebi, pages_r, users));
    CHECK(table.translate(gibi + 10 * mebi + 5) ==
          PageMapping{{8 * gibi + 2 * mebi + 5}, 2 * mebi, pages_r});
    CHECK(table.statistics().leaves == std::array<std::uint64_t, 5>{1024, 510, 0, 0, 0});
}

TEST_CASE("what cannot be moved stays where it is", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    REQUIRE(table.map(gibi, {3 * gibi}, 4 * mebi, pages_rx));
    ForgetLog users(table);
    const auto move = [&](std::uint64_t address, std::uint64_t host, std::uint64_t size,
                          PagePermissions permissions = pages_rwx) {
        return table.move(address, {host}, size, permissions, users).error();
    };
    CHECK(move(gibi, 1, 4096) == PageTableError::unaligned);
    CHECK(move(gibi, 4096, 2 * mebi) == PageTableError::unaligned);  // into a leaf of 2 MiB
    CHECK(move(gibi, 0, 4095) == PageTableError::unaligned);
    CHECK(move(gibi, (1ull << 56) - 4096, 8192) == PageTableError::host_range);
    CHECK(move(2 * tebi, 0, 4096) == PageTableError::input_range);
    CHECK(move(gibi, 0, 4096, {}) == PageTableError::bad_permissions);
    CHECK(move(gibi + 4 * mebi - 4096, 0, 8192) == PageTableError::not_mapped);
    CHECK(users.ranges.empty());
    arena.set_limit(arena.used());
    CHECK(move(gibi + 4096, 0, 4096) == PageTableError::no_frames);
    CHECK(table.translate(gibi) == PageMapping{{3 * gibi}, 2 * mebi, pages_rx});
    CHECK(table.translate(gibi + 4096)->host == HostPhys{3 * gibi + 4096});
}

TEST_CASE("without frames nothing is protected in part", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39, arena);
    REQUIRE(table.map(gibi, {gibi}, gibi, pages_rw));
    ForgetLog users(table);
    for (const std::size_t spare : {0u, 1u}) {
        arena.set_limit(1 + spare);
        CHECK(table.protect(gibi + 4096, 4096, pages_r, users).error() ==
              PageTableError::no_frames);
        CHECK(table.translate(gibi + 4096)->permissions == pages_rw);
    }
}

TEST_CASE("leaves of one piece merge into one, as far up as they go", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    REQUIRE(table.map(gibi, {3 * gibi}, gibi, pages_rwx));
    ForgetLog users(table);
    REQUIRE(table.protect(gibi + 6 * mebi, 4 * kibi, pages_rx, users));
    CHECK(!table.merge(gibi + 6 * mebi, users));  // one page permits less
    REQUIRE(table.protect(gibi + 6 * mebi, 4 * kibi, pages_rwx, users));
    users.ranges.clear();
    users.broken.clear();
    CHECK(table.merge(gibi + 7 * mebi, users));
    CHECK(table.statistics() == PageTableStatistics{{0, 0, 1, 0, 0}, 4});
    CHECK(table.translate(gibi + 6 * mebi)->host == HostPhys{3 * gibi + 6 * mebi});
    // A fence of a range is for leaves, and what changes here led to a table.
    constexpr std::pair everything{std::uint64_t{0}, ~std::uint64_t{0}};
    CHECK(users.ranges == decltype(users.ranges){everything, everything});
    CHECK(users.broken == std::vector{true, true});
    CHECK(!table.merge(gibi, users));  // the root's entries stay
    CHECK(!table.merge(~0ull, users));
}

TEST_CASE("leaves that are not of one aligned piece stay apart", "[page_table]") {
    FrameArena arena;
    PageTable table = make(sv39x4, arena);
    ForgetLog users(table);
    REQUIRE(table.map(0, {4 * kibi}, 2 * mebi, pages_rwx));     // off 2 MiB
    REQUIRE(table.map(2 * mebi, {8 * mebi}, mebi, pages_rwx));  // two pieces
    REQUIRE(table.map(3 * mebi, {2 * mebi}, mebi, pages_rwx));
    REQUIRE(table.map(4 * mebi, {4 * mebi}, 2 * mebi - 4 * kibi, pages_rwx));  // one is missing
    for (const std::uint64_t at : {0 * mebi, 2 * mebi, 4 * mebi, 64 * mebi})
        CHECK(!table.merge(at, users));
    CHECK(users.ranges.empty());
    CHECK(table.translate(3 * mebi)->host == HostPhys{2 * mebi});
}

/// A range of pages near one of a few places that share and do not share tables.
std::uint64_t random_address() {
    const auto place = *rc::gen::element<std::uint64_t>(
        0, 2 * mebi - 16 * kibi, gibi - 16 * kibi, 2 * gibi, 511 * gibi, 512 * gibi - 8 * mebi);
    return place + *rc::gen::inRange<std::uint64_t>(0, 8) * frame_size;
}

TEST_CASE("maps, moves and unmaps agree with a map of pages and with a naive walk",
          "[page_table]") {
    const bool holds = rc::check("model", [] {
        FrameArena arena;
        const auto format = *rc::gen::elementOf(formats);
        PageTable table = make(format, arena);
        std::map<std::uint64_t, std::uint64_t> model;  // page to host page
        const auto steps = *rc::gen::inRange(1, 25);
        for (int step = 0; step < steps; ++step) {
            const std::uint64_t address = random_address();
            const auto pages = *rc::gen::element<std::uint64_t>(1, 2, 5, 16, 512, 513);
            std::size_t mapped = 0;
            for (std::uint64_t i = 0; i < pages; ++i) {
                mapped += model.count(address + i * frame_size);
            }
            const std::uint64_t size = pages * frame_size;
            const auto action = *rc::gen::inRange(0, 3);
            const auto slide = *rc::gen::element<std::uint64_t>(0, 4096, 2 * mebi, gibi);
            if (action == 0) {
                ForgetLog users(table);
                const auto result = table.move(address, {address + slide}, size, pages_rwx, users);
                const bool misaligned = !result && result.error() == PageTableError::unaligned;
                RC_ASSERT(!misaligned || slide == 4096);
                RC_ASSERT(misaligned || result.has_value() == (mapped == pages));
                for (std::uint64_t at = 0; result && at < size; at += frame_size) {
                    model[address + at] = address + at + slide;
                }
            } else if (action == 1) {
                const auto result = table.map(address, {address + slide}, size, pages_rwx);
                RC_ASSERT(result.has_value() == (mapped == 0));
                for (std::uint64_t at = 0; result && at < size; at += frame_size) {
                    model[address + at] = address + at + slide;
                }
            } else {
                const auto result = table.unmap(address, size);
                RC_ASSERT(result.has_value() == (mapped == pages));
                for (std::uint64_t at = 0; result && at < size; at += frame_size) {
                    model.erase(address + at);
                }
            }
        }
        for (int probe = 0; probe < 40; ++probe) {
            const std::uint64_t at =
                random_address() + *rc::gen::inRange<std::uint64_t>(0, frame_size);
            const auto found = model.find(at & ~(frame_size - 1));
            const auto walked = naive_walk(arena, table, format, at);
            const auto translated = table.translate(at);
            RC_ASSERT(walked.has_value() == (found != model.end()));
            RC_ASSERT(translated.has_value() == walked.has_value());
            if (!walked) continue;
            RC_ASSERT(walked->host == found->second + at % frame_size);
            RC_ASSERT(translated->host.value == walked->host);
            RC_ASSERT(translated->leaf_size == walked->size);
        }
        std::uint64_t bytes = 0;
        for (unsigned level = 0; level < paging::max_levels; ++level) {
            bytes += table.statistics().leaves[level] * paging::leaf_size(level);
        }
        RC_ASSERT(bytes == model.size() * frame_size);
        RC_ASSERT(table.statistics().table_pages == arena.used());
        table.clear();
        RC_ASSERT(arena.used() == format.root_pages());
    });
    CHECK(holds);
}

TEST_CASE("every error has a clause", "[page_table]") {
    CHECK(to_string(PageTableError::no_frames) == "no page frame is left for a page table");
    CHECK(to_string(PageTableError::already_mapped) == "a part of the range is already mapped");
}

}  // namespace
}  // namespace cairn
