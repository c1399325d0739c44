// SPDX-License-Identifier: MIT
#include "cairn/heap/store/tlsf_arena.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "cairn/bits.hpp"
#include "cairn/heap/store/tlsf_test_support.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;
using namespace cairn::test;

using Bench = TlsfBench;

TEST_CASE("Without a chunk, and without init, there is nothing", "[tlsf_arena]") {
    Arena arena;
    CHECK(arena.take(1) == nullptr);
    CHECK(arena.take_aligned(1, 4096) == nullptr);
    CHECK(arena.take_thoroughly(1, 16) == nullptr);
    CHECK(arena.free_bytes() == 0);
    CHECK(arena.largest_free() == 0);
    CHECK(arena.check());
}

TEST_CASE("Blocks cost eight bytes and are whole grains", "[tlsf_arena]") {
    Bench bench;
    const std::size_t all = bench.chunk.size - Arena::chunk_overhead;
    CHECK(bench.arena.free_bytes() == all);
    CHECK(bench.arena.largest_free() == all);
    std::byte* expected = bench.chunk.base + 16;
    for (const auto& [size, length] :
         {std::pair{0U, 32U}, {1U, 32U}, {24U, 32U}, {25U, 48U}, {40U, 48U}, {41U, 64U}}) {
        std::byte* const block = bench.arena.take(size);
        CHECK(block == expected);
        CHECK(Arena::usable_size(block) == length - 8);
        std::memset(block, 0xff, Arena::usable_size(block));
        expected += length;
    }
    CHECK(bench.arena.check());
    CHECK(bench.arena.take(all) == nullptr);
    CHECK(bench.arena.take(SIZE_MAX) == nullptr);
    CHECK(bench.arena.take(SIZE_MAX - 22) == nullptr);
    CHECK(bench.arena.take(std::size_t{1} << 32) == nullptr);
    CHECK(bench.arena.take_aligned(1, std::size_t{1} << 63) == nullptr);
    CHECK(bench.faults.empty());
}

TEST_CASE("All of a chunk can be had, in one block or in many", "[tlsf_arena]") {
    Bench bench;
    const std::size_t all = bench.chunk.size - Arena::chunk_overhead;
    std::byte* const whole = bench.arena.take(all);
    REQUIRE(whole == bench.chunk.base + 16);
    CHECK(bench.arena.free_bytes() == 0);
    CHECK(bench.arena.take(0) == nullptr);
    CHECK(bench.arena.give(whole) == bench.chunk);

    std::vector<std::byte*> blocks;
    while (std::byte* const block = bench.arena.take(24))
        blocks.push_back(block);
    CHECK(blocks.size() == (bench.chunk.size - 16) / 32);
    for (std::size_t i = 0; i < blocks.size(); i += 2)
        CHECK(bench.arena.give(blocks[i]) == Region{});
    CHECK(bench.arena.check());
    for (std::size_t i = 1; i < blocks.size(); i += 2) {
        const bool is_last = i + 2 >= blocks.size();
        CHECK(bench.arena.give(blocks[i]) == (is_last ? bench.chunk : Region{}));
    }
    CHECK(bench.is_whole());
}

TEST_CASE("What is left of a block is one of its own, unless it is a grain", "[tlsf_arena]") {
    for (const std::size_t more : {std::size_t{0}, std::size_t{16}, std::size_t{32}}) {
        Bench bench;
        std::byte* const block = bench.arena.take(200 + more);
        REQUIRE(bench.arena.take(24) != nullptr);
        bench.arena.give(block);
        REQUIRE(bench.arena.take(200) == block);
        CHECK(Arena::usable_size(block) == (more == 32 ? 200 : 200 + more));
        CHECK(blocks_in(bench.arena) == (more == 32 ? 4 : 3));
        CHECK(bench.arena.check());
    }
}

TEST_CASE("A freed block joins its neighbours, whichever are free", "[tlsf_arena]") {
    for (unsigned order = 0; order < 6; ++order) {
        Bench bench;
        std::array<std::byte*, 3> blocks{};
        for (auto& block : blocks)
            block = bench.arena.take(100);
        std::byte* const guard = bench.arena.take(100);
        std::array<unsigned, 3> indices{0, 1, 2};
        for (unsigned i = 0; i < order; ++i)
            std::ranges::next_permutation(indices);
        for (const unsigned i : indices) {
            bench.arena.give(blocks[i]);
            CHECK(bench.arena.check());
        }
        // Three blocks of 112 bytes are one of 336.
        CHECK(bench.arena.take(3 * 112 - 8) == blocks[0]);
        bench.arena.give(blocks[0]);
        bench.arena.give(guard);
        CHECK(bench.is_whole());
    }
}

TEST_CASE("A block of just the right length serves before longer ones", "[tlsf_arena]") {
    Bench bench;
    std::byte* const small = bench.arena.take(600);
    REQUIRE(bench.arena.take(24) != nullptr);
    std::byte* const large = bench.arena.take(3000);
    REQUIRE(bench.arena.take(24) != nullptr);
    bench.arena.give(large);
    bench.arena.give(small);
    CHECK(bench.arena.take(600) == small);
    CHECK(bench.arena.take(600) == large);
}

TEST_CASE("A request looks at few blocks, the last try at all", "[tlsf_arena]") {
    // 40 free blocks of 512 bytes before one of 560 in the same bin, and nothing else.
    Bench bench(64);
    bench.leave_out(16);
    bench.add(41 * (560 + 32) + 16);
    REQUIRE(bench.arena.take(40) != nullptr);
    std::vector<std::byte*> blocks;
    for (unsigned i = 0; i < 41; ++i) {
        blocks.push_back(bench.arena.take(i == 0 ? 560 - 8 : 512 - 8));
        REQUIRE(blocks.back() != nullptr);
        REQUIRE(bench.arena.take(24) != nullptr);
    }
    while (bench.arena.take(0) != nullptr) {
    }
    for (std::byte* const block : blocks)
        bench.arena.give(block);
    CHECK(bench.arena.check());
    CHECK(bench.arena.take(560 - 8) == nullptr);
    CHECK(bench.arena.take_thoroughly(560 - 8, 16) == blocks[0]);
    CHECK(bench.arena.take_thoroughly(560 - 8, 16) == nullptr);
    CHECK(bench.arena.take(512 - 8) == blocks[40]);
}

TEST_CASE("Alignment costs nothing but the place", "[tlsf_arena]") {
    for (std::size_t alignment = 1; alignment <= 16384; alignment *= 2) {
        Bench bench;
        std::vector<std::byte*> blocks;
        for (unsigned i = 0; i < 3; ++i) {
            std::byte* const block = bench.arena.take_aligned(200, alignment);
            REQUIRE(block != nullptr);
            CHECK(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
            CHECK(Arena::usable_size(block) == 200);
            std::memset(block, 0xff, 200);
            blocks.push_back(block);
            CHECK(bench.arena.check());
        }
        const std::size_t all = bench.chunk.size - Arena::chunk_overhead;
        std::size_t holes = 0;
        (void)bench.arena.for_each_block(
            [&](std::byte*, tlsf::View seen) { holes += seen.is_free() ? 1U : 0U; });
        CHECK(bench.arena.free_bytes() == all + 8 - 3 * 208 - holes * 8);
        for (std::byte* const block : blocks)
            bench.arena.give(block);
        CHECK(bench.is_whole());
    }
}

TEST_CASE("An aligned block fits where its place is, if nowhere else", "[tlsf_arena]") {
    // The chunk begins at a page, so its only page-aligned place is a page on.
    Bench bench(2 * 4096);
    CHECK(bench.arena.take_aligned(4096 - 7, 4096) == nullptr);
    std::byte* const block = bench.arena.take_aligned(4096 - 8, 4096);
    REQUIRE(block == bench.chunk.base + 4096);
    CHECK(bench.arena.take_aligned(16, 4096) == nullptr);
    bench.arena.give(block);
    CHECK(bench.is_whole());
}

TEST_CASE("Blocks change their length where they lie", "[tlsf_arena]") {
    Bench bench;
    std::byte* const a = bench.arena.take(1000);
    std::byte* const b = bench.arena.take(1000);
    std::byte* const c = bench.arena.take(1000);
    std::memset(a, 1, 1000);
    CHECK(bench.arena.resize(a, 1000));
    CHECK(bench.arena.resize(a, 990));  // within its last grains
    CHECK(Arena::usable_size(a) == 1000);
    CHECK_FALSE(bench.arena.resize(a, 1001));
    CHECK(bench.arena.resize(a, 100));
    CHECK(Arena::usable_size(a) == 104);
    CHECK(bench.arena.check());
    CHECK(bench.arena.resize(a, 500));
    CHECK(bench.arena.resize(a, 1000));
    CHECK(blocks_in(bench.arena) == 4);
    bench.arena.give(b);
    CHECK(bench.arena.resize(a, 1500));
    CHECK(bench.arena.resize(a, 2008));
    CHECK_FALSE(bench.arena.resize(a, 2009));
    CHECK(bench.arena.resize(a, 0));
    CHECK(Arena::usable_size(a) == 24);
    CHECK_FALSE(bench.arena.resize(a, SIZE_MAX));
    CHECK(bench.arena.resize(c, bench.chunk.size - 16 - 2 * 1008 - 8));  // all that follows
    CHECK_FALSE(bench.arena.resize(c, bench.chunk.size - 16 - 2 * 1008 - 7));
    // The block before c is free, and stays so.
    CHECK(bench.arena.resize(c, 100));
    CHECK(bench.arena.check());
    bench.arena.give(c);
    bench.arena.give(a);
    CHECK(bench.is_whole());
}

TEST_CASE("Chunks that follow each other are one, others are not", "[tlsf_arena]") {
    Bench bench(4096);
    const Region first = bench.chunk;
    std::byte* const block = bench.arena.take(100);
    bench.add(4096);
    CHECK(bench.arena.largest_free() == 8192 - 24 - 112);
    CHECK(bench.arena.give(block) == Region{first.base, 8192});
    std::byte* const all = bench.arena.take(8192 - 24);
    REQUIRE(all != nullptr);
    bench.add(4096);  // now its last block is used
    CHECK(bench.arena.check());
    CHECK(bench.arena.give(all) == Region{first.base, 3 * 4096});

    bench.leave_out(16);
    const Region other = bench.add(8192);
    CHECK(blocks_in(bench.arena) == 2);
    CHECK(bench.arena.free_chunk(other.base) == other);
    CHECK(bench.arena.remove_chunk(other));
    CHECK(blocks_in(bench.arena) == 1);
    CHECK(bench.arena.largest_free() == 3 * 4096 - 24);
    CHECK(bench.arena.check());
    // What was removed can come again, and others go in any order.
    REQUIRE(bench.arena.add_chunk(other.base, 2048));
    REQUIRE(bench.arena.add_chunk(other.base + 4096, 4096));
    CHECK(bench.arena.remove_chunk({other.base, 2048}));
    CHECK(bench.arena.remove_chunk({first.base, 3 * 4096}));
    CHECK(bench.arena.check());
    CHECK(bench.arena.free_bytes() == 4096 - 24);
    CHECK(bench.arena.remove_chunk({other.base + 4096, 4096}));
    CHECK(bench.arena.free_bytes() == 0);
    CHECK(bench.faults.empty());
}

TEST_CASE("A window begins and ends anywhere, and what lies outside is no place", "[tlsf_arena]") {
    alignas(16) std::array<std::byte, 8192> memory;
    std::size_t faults = 0;
    const auto count = [](void* context, const HeapFault& fault) {
        CHECK(fault.kind != HeapFaultKind::double_free);
        ++*static_cast<std::size_t*>(context);
    };
    const FaultReporter report{.hook = {.function = count, .context = &faults}, .owner = "test"};
    for (const std::size_t from : {0U, 1U, 8U, 15U, 16U}) {
        for (const std::size_t less : {0U, 1U, 15U, 16U}) {
            memory.fill(std::byte{0xa5});
            const Region window{memory.data() + from, memory.size() - from - less};
            std::byte* const heads = memory.data() + (from + 15) / 16 * 16;
            Arena arena;
            arena.init(report, window, heads);
            std::byte* const chunk = heads + Arena::metadata_size;
            const auto room = static_cast<std::size_t>(window.base + window.size - chunk);
            CHECK_FALSE(arena.add_chunk(chunk, room + 16));
            REQUIRE(arena.add_chunk(chunk, room));
            faults = 0;
            for (std::byte* const outside :
                 {memory.data(), window.base, window.base - 16, window.base + window.size,
                  memory.data() + memory.size(), memory.data() + memory.size() - 8}) {
                arena.give(outside);
            }
            CHECK(faults == 6);
            std::byte* const block = arena.take(arena.largest_free());
            REQUIRE(block == chunk + 16);
            CHECK(arena.give(block).base == chunk);
            CHECK(arena.check());
        }
    }
}

TEST_CASE("Chunks are whole grains within the window, and not removed while in use",
          "[tlsf_arena]") {
    Bench bench(4096);
    std::byte* const next = bench.chunk.base + 8192;
    CHECK_FALSE(bench.arena.add_chunk(next, 47));
    CHECK_FALSE(bench.arena.add_chunk(next + 1, 62));
    CHECK_FALSE(bench.arena.add_chunk(next, 256 * 1024));
    CHECK_FALSE(bench.arena.add_chunk(bench.chunk.base - 1'000'000, 4096));
    REQUIRE(bench.arena.add_chunk(next + 1, 63));
    std::byte* const block = bench.arena.take(24);
    CHECK(block == next + 32);
    CHECK_FALSE(bench.arena.remove_chunk({next + 16, 48}));
    CHECK(bench.arena.give(block) == Region{next + 16, 48});
    CHECK(bench.arena.check());
    CHECK_FALSE(bench.arena.remove_chunk({next + 16, 32}));  // no such chunk
    CHECK_FALSE(bench.arena.remove_chunk({}));
    CHECK(blocks_in(bench.arena) == 2);
    CHECK(bench.faults.empty());
}

TEST_CASE("Caches set blocks aside", "[tlsf_arena]") {
    Bench bench;
    std::byte* const block = bench.arena.take(1000);
    std::byte* const before = bench.arena.take(64);
    std::byte* const cached = bench.arena.take(1000);
    CHECK_FALSE(Arena::unmark_cached(cached));
    CHECK(Arena::mark_cached(cached));
    CHECK_FALSE(Arena::mark_cached(cached));
    CHECK(Arena::usable_size(cached) == 1000);
    CHECK(bench.arena.check());
    // Its neighbours come and go.
    bench.arena.give(before);
    CHECK(bench.arena.check());
    CHECK(Arena::usable_size(cached) == 1000);
    CHECK(bench.arena.give(cached) == Region{});
    CHECK(bench.fault() == HeapFaultKind::double_free);
    CHECK_FALSE(bench.arena.resize(cached, 10));
    CHECK(bench.fault() == HeapFaultKind::double_free);
    CHECK(Arena::unmark_cached(cached));
    CHECK_FALSE(Arena::unmark_cached(cached));
    bench.arena.give(cached);
    CHECK_FALSE(Arena::mark_cached(cached));
    bench.arena.give(block);
    CHECK(bench.is_whole());
}

// --- against a model -----------------------------------------------------------------------------

namespace {

struct Owned {
    std::byte* at;
    std::size_t size;
    std::size_t alignment;
    std::byte value;
};

/// Does what rapidcheck says to an arena and to a list of what it should hold.
class Model {
  public:
    void step() {
        switch (*rc::gen::inRange(0, 8)) {
            case 0: return take(std::size_t{16} << *rc::gen::inRange(0, 9));
            case 1:
            case 2:
            case 3: return take(16);
            case 4: return resize();
            default: return give();
        }
    }

    void check() {
        RC_ASSERT(bench_.arena.check());
        RC_ASSERT(bench_.faults.empty());
        std::ranges::sort(owned_, {}, &Owned::at);
        const std::byte* end = bench_.chunk.base;
        for (const Owned& block : owned_) {
            RC_ASSERT(block.at >= end);
            RC_ASSERT(reinterpret_cast<std::uintptr_t>(block.at) % block.alignment == 0U);
            RC_ASSERT(bench_.arena.usable_size(block.at) >= block.size);
            RC_ASSERT(std::all_of(block.at, block.at + block.size,
                                  [&](std::byte byte) { return byte == block.value; }));
            end = block.at + block.size;
        }
        RC_ASSERT(end <= bench_.chunk.base + bench_.chunk.size);
    }

    void finish() {
        for (const Owned& block : owned_)
            bench_.arena.give(block.at);
        RC_ASSERT(bench_.is_whole());
        RC_ASSERT(bench_.arena.largest_free() == bench_.chunk.size - Arena::chunk_overhead);
    }

  private:
    static std::size_t any_size() {
        return *rc::gen::weightedOneOf<std::size_t>({{4, rc::gen::inRange<std::size_t>(0, 200)},
                                                     {3, rc::gen::inRange<std::size_t>(0, 3000)},
                                                     {1, rc::gen::inRange<std::size_t>(0, 30000)}});
    }
    Owned& any_owned() { return owned_[*rc::gen::inRange<std::size_t>(0, owned_.size())]; }

    void take(std::size_t alignment) {
        const std::size_t size = any_size();
        std::byte* const block =
            alignment == 16 ? bench_.arena.take(size) : bench_.arena.take_aligned(size, alignment);
        if (block == nullptr) {
            RC_ASSERT(bench_.arena.largest_free() < size + alignment + 64 || owned_.size() > 30U);
            return;
        }
        std::memset(block, ++value_, bench_.arena.usable_size(block));
        owned_.push_back({block, size, alignment, std::byte{value_}});
    }

    void give() {
        if (owned_.empty()) return;
        Owned& block = any_owned();
        bench_.arena.give(block.at);
        block = owned_.back();
        owned_.pop_back();
    }

    void resize() {
        if (owned_.empty()) return;
        Owned& block = any_owned();
        const std::size_t size = any_size();
        const std::size_t before = bench_.arena.usable_size(block.at);
        if (!bench_.arena.resize(block.at, size)) {
            RC_ASSERT(size > before && bench_.arena.usable_size(block.at) == before);
            return;
        }
        const std::size_t kept = std::min(block.size, size);
        block.size = size;
        std::fill(block.at + kept, block.at + bench_.arena.usable_size(block.at), block.value);
    }

    Bench bench_;
    std::vector<Owned> owned_;
    unsigned char value_ = 0;
};

bool holds_against_a_model() {
    return rc::check("against a model", [] {
        Model model;
        const int steps = *rc::gen::inRange(1, 200);
        for (int i = 0; i < steps; ++i) {
            model.step();
            model.check();
        }
        model.finish();
    });
}

}  // namespace

TEST_CASE("Blocks never overlap, keep what is in them, and become one again", "[tlsf_arena]") {
    CHECK(holds_against_a_model());
}
