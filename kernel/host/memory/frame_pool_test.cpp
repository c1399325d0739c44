// SPDX-License-Identifier: MIT
#include "kernel/host/memory/frame_pool.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/last_words.hpp"
#include "tests/unit/ram_arena.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t kibi = 1ull << 10;
constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;
constexpr GuestPhys guest_base{0x8000'0000};

/// A pool on `memory` less `reserved`, whose addresses are those of an arena's bytes.
class Bench {
  public:
    Bench(std::vector<HostRange> memory, std::vector<HostRange> reserved)
        : arena_(memory.back().end().value) {
        for (auto* ranges : {&memory, &reserved}) {
            for (HostRange& range : *ranges)
                range.base = at(range.base.value);
        }
        const auto map = MemoryMap::create(memory, reserved);
        REQUIRE(map);
        REQUIRE(pool.init(*map));
    }
    /// QEMU's virt with `size` of RAM: firmware, then the kernel with its heap. The free gap below
    /// the kernel is of 1.5 MiB, and the RAM above it starts at 134 MiB.
    explicit Bench(std::uint64_t size)
        : Bench({{{0}, size}}, {{{0}, 512 * kibi}, {{2 * mebi}, 132 * mebi}}) {}

    [[nodiscard]] HostPhys at(std::uint64_t offset) const { return arena_.base() + offset; }

    FramePool pool;

  private:
    RamArena arena_;
};

/// The frames' descriptors, in whole frames, for a window of `size` bytes.
constexpr std::uint64_t descriptors(std::uint64_t size) {
    const std::uint64_t pages = size / frame_size;
    const std::uint64_t owners = (pages + pages % 2) * 2;
    const std::uint64_t marks = pages / 512 + 1;
    return (PageHeap::metadata_size(pages) + owners + marks + frame_size - 1) & ~(frame_size - 1);
}

TEST_CASE("the frames' descriptors lie in the shortest range that holds them", "[frame_pool]") {
    Bench small(256 * mebi);
    // The gap below the kernel has room for those of 256 MiB, at its low end.
    const std::uint64_t window = 256 * mebi - 512 * kibi;
    CHECK(small.pool.total_bytes() == 1536 * kibi + (256 - 134) * mebi - descriptors(window));
    CHECK(small.pool.free_bytes() == small.pool.total_bytes());
    CHECK(small.pool.largest_free() == (256 - 134) * mebi);
    CHECK(small.pool.allocate_frames(1, frame_size) == small.at(512 * kibi + descriptors(window)));
    Bench large(gibi);
    CHECK(large.pool.largest_free() == gibi - 134 * mebi - descriptors(gibi - 512 * kibi));
    CHECK(large.pool.unused_bytes() == 0);
}

TEST_CASE("a pool needs room for its descriptors", "[frame_pool]") {
    FramePool pool;
    CHECK_FALSE(pool.init(*MemoryMap::create({}, {})));
    std::vector<HostRange> memory;
    for (std::uint64_t i = 0; i < RangeList::capacity; ++i)
        memory.push_back({{i * 3 * frame_size}, frame_size});
    CHECK_FALSE(pool.init(*MemoryMap::create(memory, {})));
    CHECK_FALSE(pool.allocate_frames(1, frame_size));
}

TEST_CASE("ranges far from the rest are left out", "[frame_pool]") {
    Bench bench({{{0}, mebi}, {{gibi}, 64 * mebi}, {{gibi + 80 * mebi}, mebi}, {{3 * gibi}, mebi}},
                {});
    CHECK(bench.pool.unused_bytes() == 2 * mebi);
    CHECK(bench.pool.total_bytes() == 65 * mebi - descriptors(81 * mebi));
    CHECK(bench.pool.largest_free() == 64 * mebi);
}

TEST_CASE("guest RAM of 1 GiB and more is congruent modulo 1 GiB where it can be", "[frame_pool]") {
    Bench bench(4 * gibi);
    const auto large = bench.pool.take_guest_ram(2 * gibi, guest_base);
    REQUIRE(large);
    CHECK(*large == HostRange{bench.at(gibi), 2 * gibi});
    // Less than 1 GiB is left below; 1 GiB above.
    CHECK(bench.pool.take_guest_ram(gibi, guest_base) == HostRange{bench.at(3 * gibi), gibi});
    CHECK_FALSE(bench.pool.take_guest_ram(gibi, guest_base));
    const std::uint64_t after = 134 * mebi + descriptors(4 * gibi - 512 * kibi);
    CHECK(bench.pool.take_guest_ram(256 * mebi, guest_base) ==
          HostRange{bench.at((after + 2 * mebi - 1) & ~(2 * mebi - 1)), 256 * mebi});
}

TEST_CASE("guest RAM falls back to 2 MiB", "[frame_pool]") {
    Bench bench(2 * gibi);
    // 7.5 MiB of descriptors start at 134 MiB.
    CHECK(bench.pool.take_guest_ram(gibi + gibi / 2, guest_base) ==
          HostRange{bench.at(142 * mebi), gibi + gibi / 2});
}

TEST_CASE("a guest base off the superpages is followed", "[frame_pool]") {
    Bench bench(4 * gibi);
    CHECK(bench.pool.take_guest_ram(mebi, {0x8010'0000})->base.value % (2 * mebi) == mebi);
    CHECK(bench.pool.take_guest_ram(gibi, {0x9000'0000})->base.value % gibi == 0x1000'0000);
    CHECK_FALSE(bench.pool.take_guest_ram(mebi, {0x8010'0800}));
}

TEST_CASE("page tables come from the smallest gap", "[frame_pool]") {
    Bench bench(gibi);
    CHECK(bench.pool.allocate_frames(1, frame_size) == bench.at(0x8'0000));
    CHECK(bench.pool.allocate_frames(4, 16 * kibi) == bench.at(0x8'4000));
    CHECK(bench.pool.allocate_frames(1, frame_size) == bench.at(0x8'1000));
}

TEST_CASE("senseless requests give nothing", "[frame_pool]") {
    Bench bench(gibi);
    CHECK_FALSE(bench.pool.allocate_frames(0, frame_size));
    CHECK_FALSE(bench.pool.allocate_frames(1, 0));
    CHECK_FALSE(bench.pool.allocate_frames(1, 3 * 4096));
    CHECK_FALSE(bench.pool.allocate_frames(1, 2048));
    CHECK_FALSE(bench.pool.allocate_frames(1ull << 60, frame_size));
    CHECK_FALSE(bench.pool.allocate_frames(gibi / frame_size, frame_size));
    CHECK_FALSE(bench.pool.take_guest_ram(0, guest_base));
    CHECK_FALSE(bench.pool.take_guest_ram(~0ull, guest_base));
    CHECK(bench.pool.free_bytes() == bench.pool.total_bytes());
}

TEST_CASE("frames are memory at their address", "[frame_pool]") {
    Bench bench(256 * mebi);
    const auto frames = bench.pool.allocate_frames(4, 4 * frame_size);
    REQUIRE(frames);
    CHECK(bench.pool.at(*frames) == reinterpret_cast<std::byte*>(frames->value));
    std::fill_n(bench.pool.at(*frames), 4 * frame_size, std::byte{0xff});
    bench.pool.free_frames(*frames, 4);
    CHECK(bench.pool.free_bytes() == bench.pool.total_bytes());
}

TEST_CASE("frames that nobody has taken cannot be freed", "[frame_pool]") {
    Bench bench(256 * mebi);
    const auto frames = bench.pool.allocate_frames(2, frame_size);
    const auto refused = [&](HostPhys base, std::size_t count) {
        return last_words([&] { bench.pool.free_frames(base, count); })
            .starts_with("panic: page frames were freed that nobody had taken\n");
    };
    CHECK(refused(*frames, 0));
    CHECK(refused(*frames, 3));
    CHECK(refused(*frames + 1, 2));
    CHECK(refused(*frames + 2 * frame_size, 1));
    CHECK(refused(bench.at(0), 2));
    CHECK(refused({0}, 2));
    CHECK(refused({~0xfffull}, 2));
    bench.pool.free_frames(*frames, 2);
    CHECK(refused(*frames, 2));
}

TEST_CASE("frames go back one by one, or several runs at once", "[frame_pool]") {
    Bench bench(256 * mebi);
    const std::uint64_t before = bench.pool.largest_free();
    const auto frames = bench.pool.allocate_frames(512, 2 * mebi);
    const auto after = bench.pool.allocate_frames(512, 2 * mebi);
    REQUIRE(*after == *frames + 2 * mebi);
    bench.pool.free_frames(*frames + frame_size, 1);
    CHECK(bench.pool.owners(*frames) == 1);
    CHECK(bench.pool.owners(*frames + frame_size) == 0);
    CHECK(bench.pool.owners(*frames + 2 * frame_size) == 1);
    bench.pool.free_frames(*frames, 1);
    bench.pool.free_frames(*frames + 2 * frame_size, 1022);  // the end of one, and the other
    CHECK(bench.pool.free_bytes() == bench.pool.total_bytes());
    CHECK(bench.pool.largest_free() == before);
}

TEST_CASE("the pool remembers where somebody had frames", "[frame_pool]") {
    Bench bench(256 * mebi);
    const auto ram = bench.pool.take_guest_ram(16 * mebi, guest_base);
    REQUIRE(ram);
    CHECK_FALSE(bench.pool.was_used(*ram));
    bench.pool.mark_used({ram->base + 4 * mebi, 2 * mebi});
    bench.pool.free_frames(ram->base, ram->size / frame_size);
    CHECK(bench.pool.was_used({ram->base + 4 * mebi, frame_size}));
    CHECK_FALSE(bench.pool.was_used({ram->base, 2 * mebi}));
    const auto table = bench.pool.allocate_frames(1, 64 * mebi);
    REQUIRE(table);
    CHECK(bench.pool.was_used({*table, frame_size}));
}

TEST_CASE("a shared frame goes back with its last owner", "[frame_pool]") {
    Bench bench(256 * mebi);
    FramePool& pool = bench.pool;
    const auto frames = pool.allocate_frames(8, frame_size);
    REQUIRE(pool.share_frames(*frames + 2 * frame_size, 3));
    REQUIRE(pool.share_frames(*frames + 3 * frame_size, 1));
    CHECK(pool.owners(*frames + 3 * frame_size) == 3);
    CHECK_FALSE(pool.share_frames(*frames + 7 * frame_size, 2));  // one is free
    CHECK_FALSE(pool.share_frames(*frames + 1, 1));
    pool.free_frames(*frames, 8);
    CHECK(pool.free_bytes() + 3 * frame_size == pool.total_bytes());
    CHECK(pool.owners(*frames + 2 * frame_size) == 1);
    pool.free_frames(*frames + 2 * frame_size, 3);
    CHECK(pool.free_bytes() + frame_size == pool.total_bytes());
    pool.free_frames(*frames + 3 * frame_size, 1);
    CHECK(pool.free_bytes() == pool.total_bytes());
    CHECK(pool.owners(*frames + 3 * frame_size) == 0);
}

TEST_CASE("owners are counted up to their limit", "[frame_pool]") {
    Bench bench(256 * mebi);
    const auto frame = bench.pool.allocate_frames(1, frame_size);
    for (unsigned more = 0; more < 0xffff; ++more)
        REQUIRE(bench.pool.share_frames(*frame, 1));
    CHECK_FALSE(bench.pool.share_frames(*frame, 1));
    CHECK(bench.pool.owners(*frame) == 0x1'0000);
    for (unsigned more = 0; more < 0x1'0000; ++more)
        bench.pool.free_frames(*frame, 1);
    CHECK(bench.pool.free_bytes() == bench.pool.total_bytes());
}

TEST_CASE("owners agree with a list of counts", "[frame_pool]") {
    const bool holds = rc::check("against counts", [] {
        constexpr std::size_t frames = 64;
        Bench bench({{{0}, mebi}}, {});
        FramePool& pool = bench.pool;
        const std::uint64_t largest = pool.largest_free();
        std::vector<HostPhys> bases;
        while (const auto base =
                   pool.allocate_frames(*rc::gen::inRange<std::size_t>(1, 9), frame_size))
            bases.push_back(*base);
        const HostPhys first = *std::ranges::min_element(bases, {}, &HostPhys::value);
        std::array<unsigned, frames> model{};
        for (std::size_t n = 0; n < frames; ++n)
            model[n] = pool.owners(first + n * frame_size);
        const auto steps = *rc::gen::inRange(1, 80);
        for (int step = 0; step < steps; ++step) {
            const auto from = *rc::gen::inRange<std::size_t>(0, frames);
            const auto count = *rc::gen::inRange<std::size_t>(1, frames - from + 1);
            const std::span<unsigned> part = std::span(model).subspan(from, count);
            const bool all = std::ranges::find(part, 0u) == part.end();
            if (*rc::gen::arbitrary<bool>()) {
                RC_ASSERT(pool.share_frames(first + from * frame_size, count) == all);
                for (unsigned& each : part)
                    each += all ? 1 : 0;
            } else if (all) {
                pool.free_frames(first + from * frame_size, count);
                for (unsigned& each : part)
                    --each;
            }
            for (std::size_t n = 0; n < frames; ++n)
                RC_ASSERT(pool.owners(first + n * frame_size) == model[n]);
        }
        while (std::ranges::any_of(model, [](unsigned n) { return n > 0; })) {
            for (std::size_t n = 0; n < frames; ++n) {
                if (model[n] == 0) continue;
                pool.free_frames(first + n * frame_size, 1);
                --model[n];
            }
        }
        RC_ASSERT(pool.largest_free() <= largest);
    });
    CHECK(holds);
}

TEST_CASE("takes are disjoint, aligned, free, and all comes back", "[frame_pool]") {
    const bool holds = rc::check("against a list of what is out", [] {
        Bench bench({{{0}, 64 * mebi}, {{128 * mebi}, 64 * mebi}}, {{{mebi}, mebi}});
        FramePool& pool = bench.pool;
        const std::array holes{HostRange{bench.at(mebi), mebi},
                               HostRange{bench.at(64 * mebi), 64 * mebi}};
        const std::uint64_t largest = pool.largest_free();
        std::vector<HostRange> taken;
        std::uint64_t out = 0;
        const auto give_back = [&](std::size_t which) {
            pool.free_frames(taken[which].base, taken[which].size / frame_size);
            out -= taken[which].size;
            taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(which));
        };
        const auto steps = *rc::gen::inRange(1, 60);
        for (int step = 0; step < steps; ++step) {
            if (!taken.empty() && *rc::gen::inRange(0, 3) == 0) {
                give_back(*rc::gen::inRange<std::size_t>(0, taken.size()));
                continue;
            }
            const auto count = *rc::gen::inRange<std::uint64_t>(1, 1024);
            const auto alignment = 1ull << *rc::gen::inRange(12, 24);
            const auto base = pool.allocate_frames(count, alignment);
            if (!base) continue;
            const HostRange range{*base, count * frame_size};
            RC_ASSERT(base->value % alignment == 0U);
            RC_ASSERT(range.base >= bench.at(0) && range.end() <= bench.at(192 * mebi));
            for (const auto& others :
                 {std::span<const HostRange>(holes), std::span<const HostRange>(taken)}) {
                for (const HostRange& other : others)
                    RC_ASSERT_FALSE(range.overlaps(other));
            }
            taken.push_back(range);
            out += range.size;
            RC_ASSERT(pool.free_bytes() + out == pool.total_bytes());
        }
        while (!taken.empty())
            give_back(taken.size() - 1);
        RC_ASSERT(pool.largest_free() == largest);
    });
    CHECK(holds);
}

}  // namespace
}  // namespace cairn
