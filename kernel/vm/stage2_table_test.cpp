// SPDX-License-Identifier: MIT
#include "kernel/vm/stage2_table.hpp"

#include <rapidcheck.h>

#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include "kernel/host/memory_map.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t kibi = 1ull << 10;
constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;
constexpr std::uint64_t tebi = 1ull << 40;
constexpr std::array modes{Stage2Mode::sv39x4, Stage2Mode::sv48x4, Stage2Mode::sv57x4};

/// Frames in ordinary memory at made-up physical addresses, full of garbage when handed out.
class Arena final : public FrameSource {
  public:
    explicit Arena(std::size_t limit = 100'000) : limit_(limit) {}
    ~Arena() { CHECK(blocks_.empty()); }  // every frame came back

    std::optional<HostPhys> allocate_frames(std::size_t count, std::uint64_t alignment) override {
        if (used_ + count > limit_) return std::nullopt;
        used_ += count;
        next_ = (next_ + alignment - 1) / alignment * alignment;
        const HostPhys base{next_};
        next_ += count * frame_size;
        std::vector<std::uint64_t> words(count * frame_size / 8, 0xdead'beef'dead'beef);
        blocks_.emplace(base.value, std::move(words));
        return base;
    }
    void free_frames(HostPhys base, std::size_t count) override {
        const auto block = blocks_.find(base.value);
        REQUIRE(block != blocks_.end());
        REQUIRE(block->second.size() == count * frame_size / 8);
        used_ -= count;
        blocks_.erase(block);
    }
    std::byte* at(HostPhys address) override {
        return reinterpret_cast<std::byte*>(&word(address));
    }
    std::uint64_t& word(HostPhys address) {
        auto block = blocks_.upper_bound(address.value);
        REQUIRE(block != blocks_.begin());
        --block;
        return block->second.at((address.value - block->first) / 8);
    }
    std::size_t used() const { return used_; }
    void set_limit(std::size_t limit) { limit_ = limit; }

  private:
    std::map<std::uint64_t, std::vector<std::uint64_t>> blocks_;
    std::uint64_t next_ = 0x12'3456'7000;
    std::size_t used_ = 0;
    std::size_t limit_;
};

struct Walked {
    std::uint64_t host;
    std::uint64_t size;
    std::uint64_t pte;
};

/// The walk as the specification writes it ("Virtual Address Translation Process", with the
/// changes of "Guest Physical Address Translation"), from the value of hgatp, in plain numbers.
std::optional<Walked> naive_walk(Arena& arena, std::uint64_t hgatp, std::uint64_t address) {
    const unsigned levels = static_cast<unsigned>(hgatp >> 60) - 5;  // 8 is Sv39x4 with 3
    if (address >> (12 + 9 * levels + 2) != 0) return std::nullopt;
    std::uint64_t a = (hgatp & 0xfff'ffff'ffff) * 4096;
    REQUIRE(a % 16384 == 0);
    for (unsigned i = levels; i-- > 0;) {
        const std::uint64_t mask = i == levels - 1 ? 0x7ff : 0x1ff;
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
        REQUIRE((pte & 0xd0) == 0xd0);
        const std::uint64_t size = 4096ull << (9 * i);
        REQUIRE(ppn * 4096 % size == 0);  // a misaligned superpage faults
        return Walked{ppn * 4096 + address % size, size, pte};
    }
    return std::nullopt;
}

Stage2Table make(Stage2Mode mode, Arena& arena) {
    auto table = Stage2Table::create(mode, arena);
    REQUIRE(table);
    return std::move(*table);
}

TEST_CASE("an empty table translates nothing", "[stage2_table]") {
    for (const Stage2Mode mode : modes) {
        Arena arena;
        const Stage2Table table = make(mode, arena);
        CHECK(table.translate({0}).error() == Stage2Error::not_mapped);
        const GuestPhys last{(1ull << stage2::guest_address_bits(mode)) - 1};
        CHECK(table.translate(last).error() == Stage2Error::not_mapped);
        CHECK(table.translate(last + 1).error() == Stage2Error::guest_range);
        CHECK(table.translate({~0ull}).error() == Stage2Error::guest_range);
        CHECK(table.statistics().table_pages == 4);
        CHECK(arena.used() == 4);
        const std::uint64_t hgatp = table.hgatp(0x3fff);
        CHECK(hgatp >> 60 == static_cast<std::uint64_t>(mode));
        CHECK((hgatp >> 44 & 0xffff) == 0x3fff);
        CHECK_FALSE(naive_walk(arena, hgatp, 0));
    }
}

TEST_CASE("guest RAM on a 1 GiB boundary costs one entry a GiB", "[stage2_table]") {
    Arena arena;
    Stage2Table table = make(Stage2Mode::sv39x4, arena);
    REQUIRE(table.map({2 * gibi}, {7 * gibi}, 3 * gibi, stage2_rwx));
    CHECK(table.statistics() == Stage2Statistics{{0, 0, 3, 0, 0}, 4});
    CHECK(table.translate({2 * gibi + 5}) == Stage2Mapping{{7 * gibi + 5}, gibi, stage2_rwx});
    CHECK(table.translate({5 * gibi - 1})->host == HostPhys{10 * gibi - 1});
    CHECK(table.translate({2 * gibi - 1}).error() == Stage2Error::not_mapped);
    CHECK(table.translate({5 * gibi}).error() == Stage2Error::not_mapped);
    CHECK(naive_walk(arena, table.hgatp(1), 3 * gibi + 77)->host == 8 * gibi + 77);
}

TEST_CASE("leaves are as large as both addresses and the size allow", "[stage2_table]") {
    Arena arena;
    Stage2Table table = make(Stage2Mode::sv48x4, arena);
    // Congruent modulo 2 MiB only: 4 KiB up to the boundary, 2 MiB, 4 KiB at the end.
    REQUIRE(table.map({gibi + 2 * mebi - 8 * kibi}, {5 * gibi + 6 * mebi - 8 * kibi},
                      gibi + 12 * kibi, stage2_rwx));
    CHECK(table.statistics().leaves == std::array<std::uint64_t, 5>{3, 512, 0, 0, 0});
    CHECK(table.translate({gibi + 2 * mebi - 4 * kibi})->leaf_size == 4 * kibi);
    CHECK(table.translate({gibi + 2 * mebi})->leaf_size == 2 * mebi);
    // 512 GiB where the mode has that level.
    REQUIRE(table.map({tebi}, {2 * tebi}, tebi, stage2_rwx));
    CHECK(table.statistics().leaves == std::array<std::uint64_t, 5>{3, 512, 0, 2, 0});

    Stage2Table small = make(Stage2Mode::sv39x4, arena);
    REQUIRE(small.map({tebi}, {2 * tebi}, tebi, stage2_rwx));
    CHECK(small.statistics().leaves == std::array<std::uint64_t, 5>{0, 0, 1024, 0, 0});

    Stage2Table large = make(Stage2Mode::sv57x4, arena);
    REQUIRE(large.map({256 * tebi}, {512 * tebi}, 256 * tebi, stage2_rwx));
    CHECK(large.statistics() == Stage2Statistics{{0, 0, 0, 0, 1}, 4});
}

TEST_CASE("permissions reach the entry", "[stage2_table]") {
    Arena arena;
    Stage2Table table = make(Stage2Mode::sv39x4, arena);
    std::uint64_t at = 0;
    for (unsigned bits = 0; bits < 8; ++bits, at += frame_size) {
        const Stage2Permissions wanted{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
        const auto mapped = table.map({at}, {at}, frame_size, wanted);
        if (bits == 0 || (bits & 3) == 2) {
            CHECK(mapped.error() == Stage2Error::bad_permissions);
            continue;
        }
        REQUIRE(mapped);
        CHECK(table.translate({at})->permissions == wanted);
        CHECK((naive_walk(arena, table.hgatp(0), at)->pte & 0xff) == (bits << 1 | 0xd1));
    }
}

TEST_CASE("every error leaves the table as it was", "[stage2_table]") {
    Arena arena;
    Stage2Table table = make(Stage2Mode::sv39x4, arena);
    REQUIRE(table.map({gibi}, {gibi}, gibi, stage2_rwx));
    REQUIRE(table.map({4 * mebi}, {4 * mebi}, 2 * mebi + 4 * kibi, stage2_rwx));
    const Stage2Statistics before = table.statistics();
    const std::size_t used = arena.used();
    const auto map = [&](std::uint64_t guest, std::uint64_t host, std::uint64_t size) {
        return table.map({guest}, {host}, size, stage2_rwx).error();
    };
    const auto unmap = [&](std::uint64_t guest, std::uint64_t size) {
        return table.unmap({guest}, size).error();
    };
    CHECK(map(1, 0, 4096) == Stage2Error::unaligned);
    CHECK(map(0, 1, 4096) == Stage2Error::unaligned);
    CHECK(map(0, 0, 4095) == Stage2Error::unaligned);
    CHECK(map(0, 0, 0) == Stage2Error::unaligned);
    CHECK(map(2 * tebi, 0, 4096) == Stage2Error::guest_range);
    CHECK(map(2 * tebi - 4096, 0, 8192) == Stage2Error::guest_range);
    CHECK(map(4096, 0, ~0xfffull) == Stage2Error::guest_range);
    CHECK(map(~0xfffull, 0, 8192) == Stage2Error::guest_range);
    CHECK(map(0, 1ull << 56, 4096) == Stage2Error::host_range);
    CHECK(map(0, (1ull << 56) - 4096, 8192) == Stage2Error::host_range);
    CHECK(map(gibi + 4096, 0, 4096) == Stage2Error::already_mapped);         // inside a 1 GiB leaf
    CHECK(map(0, 0, 8 * mebi) == Stage2Error::already_mapped);               // 2 MiB onto 2 MiB
    CHECK(map(0, 0, gibi) == Stage2Error::already_mapped);                   // a leaf onto a table
    CHECK(map(6 * mebi - 4096, 4096, 4096) == Stage2Error::already_mapped);  // in a 2 MiB leaf
    CHECK(map(0, 4096, 4 * mebi + 4096) == Stage2Error::already_mapped);  // after 1024 small ones
    CHECK(unmap(1, 4096) == Stage2Error::unaligned);
    CHECK(unmap(0, 0) == Stage2Error::unaligned);
    CHECK(unmap(2 * tebi, 4096) == Stage2Error::guest_range);
    CHECK(unmap(0, 4096) == Stage2Error::not_mapped);
    CHECK(unmap(4 * mebi, 4 * mebi) == Stage2Error::not_mapped);  // mapped at first, then not
    CHECK(unmap(gibi, 4096) == Stage2Error::splits_leaf);
    CHECK(unmap(gibi + 4096, gibi - 4096) == Stage2Error::splits_leaf);
    CHECK(unmap(4 * mebi, mebi) == Stage2Error::splits_leaf);
    CHECK(table.statistics() == before);
    CHECK(arena.used() == used);
    CHECK(table.translate({6 * mebi})->host == HostPhys{6 * mebi});
}

TEST_CASE("without frames nothing is mapped and nothing leaks", "[stage2_table]") {
    Arena arena(3);
    CHECK(Stage2Table::create(Stage2Mode::sv39x4, arena).error() == Stage2Error::no_frames);
    arena.set_limit(4);
    Stage2Table table = make(Stage2Mode::sv57x4, arena);
    // A 4 KiB mapping needs four tables below the root; one that crosses 2 MiB needs five.
    for (std::size_t spare = 0; spare < 5; ++spare) {
        arena.set_limit(4 + spare);
        const auto mapped = table.map({2 * mebi - 4096}, {0}, 8192, stage2_rwx);
        CHECK(mapped.error() == Stage2Error::no_frames);
        CHECK(arena.used() == 4);
        CHECK(table.statistics() == Stage2Statistics{{}, 4});
    }
    arena.set_limit(9);
    CHECK(table.map({2 * mebi - 4096}, {0}, 8192, stage2_rwx));
    CHECK(table.statistics() == Stage2Statistics{{2, 0, 0, 0, 0}, 9});
    CHECK(table.unmap({2 * mebi}, 4096));
    CHECK(arena.used() == 8);
    table.clear();
    CHECK(arena.used() == 4);
}

TEST_CASE("a superpage can take the place of unmapped pages", "[stage2_table]") {
    Arena arena;
    Stage2Table table = make(Stage2Mode::sv39x4, arena);
    REQUIRE(table.map({2 * mebi}, {2 * mebi + 4096}, 2 * mebi, stage2_rwx));
    CHECK(table.statistics() == Stage2Statistics{{512, 0, 0, 0, 0}, 6});
    REQUIRE(table.unmap({2 * mebi}, 2 * mebi));
    CHECK(table.statistics() == Stage2Statistics{{}, 4});
    CHECK(table.map({0}, {0}, gibi, stage2_rwx));
}

TEST_CASE("moving hands the frames over", "[stage2_table]") {
    Arena arena;
    Stage2Table table = make(Stage2Mode::sv39x4, arena);
    REQUIRE(table.map({0}, {4096}, 4096, stage2_rwx));
    Stage2Table moved(std::move(table));
    CHECK(moved.translate({0})->host == HostPhys{4096});
    Stage2Table other = make(Stage2Mode::sv48x4, arena);
    other = std::move(moved);
    CHECK(other.mode() == Stage2Mode::sv39x4);
    CHECK(other.translate({1})->host == HostPhys{4097});
    CHECK(arena.used() == 6);
}

/// A range of pages near one of a few places that share and do not share tables.
GuestPhys random_guest() {
    const auto place = *rc::gen::element<std::uint64_t>(0, 2 * mebi - 16 * kibi, gibi - 16 * kibi,
                                                        2 * gibi, 511 * gibi, 2 * tebi - 8 * mebi);
    return {place + *rc::gen::inRange<std::uint64_t>(0, 8) * frame_size};
}

TEST_CASE("maps and unmaps agree with a map of pages and with a naive walk", "[stage2_table]") {
    const bool holds = rc::check("model", [] {
        Arena arena;
        const auto mode = *rc::gen::elementOf(modes);
        Stage2Table table = make(mode, arena);
        std::map<std::uint64_t, std::uint64_t> model;  // guest page to host page
        const auto steps = *rc::gen::inRange(1, 25);
        for (int step = 0; step < steps; ++step) {
            const GuestPhys guest = random_guest();
            const auto pages = *rc::gen::element<std::uint64_t>(1, 2, 5, 16, 512, 513);
            std::size_t mapped = 0;
            for (std::uint64_t i = 0; i < pages; ++i) {
                mapped += model.count((guest + i * frame_size).value);
            }
            const std::uint64_t size = pages * frame_size;
            if (*rc::gen::arbitrary<bool>()) {
                const auto slide = *rc::gen::element<std::uint64_t>(0, 4096, 2 * mebi, gibi);
                const auto result = table.map(guest, {guest.value + slide}, size, stage2_rwx);
                RC_ASSERT(result.has_value() == (mapped == 0));
                for (std::uint64_t at = 0; result && at < size; at += frame_size) {
                    model[guest.value + at] = guest.value + at + slide;
                }
            } else {
                const auto result = table.unmap(guest, size);
                RC_ASSERT(!result || mapped == pages);
                RC_ASSERT(result || mapped < pages || result.error() == Stage2Error::splits_leaf);
                for (std::uint64_t at = 0; result && at < size; at += frame_size) {
                    model.erase(guest.value + at);
                }
            }
        }
        for (int probe = 0; probe < 40; ++probe) {
            const GuestPhys at = random_guest() + *rc::gen::inRange<std::uint64_t>(0, frame_size);
            const auto found = model.find(at.value & ~(frame_size - 1));
            const auto walked = naive_walk(arena, table.hgatp(3), at.value);
            const auto translated = table.translate(at);
            RC_ASSERT(walked.has_value() == (found != model.end()));
            RC_ASSERT(translated.has_value() == walked.has_value());
            if (!walked) continue;
            RC_ASSERT(walked->host == found->second + at.value % frame_size);
            RC_ASSERT(translated->host.value == walked->host);
            RC_ASSERT(translated->leaf_size == walked->size);
        }
        std::uint64_t bytes = 0;
        for (unsigned level = 0; level < stage2::max_levels; ++level) {
            bytes += table.statistics().leaves[level] * stage2::leaf_size(level);
        }
        RC_ASSERT(bytes == model.size() * frame_size);
        RC_ASSERT(table.statistics().table_pages == arena.used());
        table.clear();
        RC_ASSERT(arena.used() == 4u);
    });
    CHECK(holds);
}

TEST_CASE("every error has a clause", "[stage2_table]") {
    CHECK(to_string(Stage2Error::no_frames) == "no page frame is left for a page table");
    CHECK(to_string(Stage2Error::already_mapped) == "a part of the range is already mapped");
    CHECK(to_string(Stage2Error::splits_leaf) == "a superpage reaches beyond the range");
}

}  // namespace
}  // namespace cairn
