// SPDX-License-Identifier: MIT
// What a TlsfArena says of damage, and that it survives it.
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "cairn/bits.hpp"
#include "cairn/heap/store/tlsf_arena.hpp"
#include "cairn/heap/store/tlsf_test_support.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;
using namespace cairn::test;

using Bench = TlsfBench;

namespace {

/// A used block between a free one and one that is free or not; the rest of the chunk is used.
struct Scene : Bench {
    explicit Scene(bool next_is_free = true) {
        before = arena.take(400);
        wall = arena.take(24);
        free = arena.take(200);
        block = arena.take(100);
        next = arena.take(300);
        end = arena.take(24);
        arena.give(before);
        arena.give(free);
        if (next_is_free) arena.give(next);
    }
    /// After the fault everything else works: what can still be had is not what is damaged.
    void goes_on() {
        std::byte* const other = arena.take(5000);
        REQUIRE(other != nullptr);
        CHECK(other > end);
        arena.give(other);
        CHECK(faults.empty());
    }

    std::byte *before, *wall, *free, *block, *next, *end;
};

}  // namespace

TEST_CASE("Blocks given twice are seen, whatever became of them", "[tlsf_damage]") {
    Scene scene;
    scene.arena.give(scene.free);
    CHECK(scene.fault() == HeapFaultKind::double_free);
    scene.arena.give(scene.block);  // joins both neighbours
    CHECK(scene.faults.empty());
    for (std::byte* const gone : {scene.free, scene.block, scene.next}) {
        scene.arena.give(gone);
        CHECK(scene.fault() == HeapFaultKind::double_free);
        CHECK_FALSE(scene.arena.resize(gone, 10));
        CHECK(scene.fault() == HeapFaultKind::double_free);
    }
    CHECK(scene.arena.check());
    scene.goes_on();
}

TEST_CASE("Pointers that are no block's are seen", "[tlsf_damage]") {
    Scene scene;
    std::byte local{};
    for (std::byte* const foreign :
         {&local, static_cast<std::byte*>(nullptr), scene.chunk.base - 1'000'000,
          reinterpret_cast<std::byte*>(~std::uintptr_t{15})}) {
        scene.arena.give(foreign);
        CHECK(scene.fault() == HeapFaultKind::foreign_pointer);
    }
    for (std::ptrdiff_t off = 1; off < 16; ++off) {
        scene.arena.give(at(scene.block, off));
        CHECK(scene.fault() == HeapFaultKind::invalid_pointer);
    }
    scene.arena.give(at(scene.block, 16));
    CHECK(scene.fault() == HeapFaultKind::invalid_pointer);
    scene.arena.give(at(scene.end, 16));
    CHECK(scene.fault() == HeapFaultKind::invalid_pointer);
    scene.arena.give(at(scene.free, 32));
    CHECK(scene.fault() == HeapFaultKind::double_free);
    scene.arena.give(scene.chunk.base);  // counts as of its first block, which is free
    CHECK(scene.fault() == HeapFaultKind::double_free);
    scene.arena.give(scene.chunk.base + scene.chunk.size);
    CHECK(scene.fault() == HeapFaultKind::foreign_pointer);
    CHECK(scene.arena.check());
    scene.goes_on();
}

TEST_CASE("Headers that were written over are seen", "[tlsf_damage]") {
    const auto values = {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0x4141'4141'4141'4141},
                         std::uint64_t{0x20}, std::uint64_t{0x7fff'1234'5678}};
    for (const std::uint64_t value : values) {
        Scene scene;
        write_word(at(scene.block, -8), value);
        scene.arena.give(scene.block);
        CHECK(scene.fault() == HeapFaultKind::corrupt_header);
        CHECK_FALSE(scene.arena.resize(scene.block, 10));
        CHECK(scene.fault() == HeapFaultKind::corrupt_header);
        CHECK_FALSE(scene.arena.check());
        scene.faults.clear();
        scene.goes_on();
    }
    // Any one bit of it, unless what is left still says the same.
    for (std::ptrdiff_t byte = -8; byte < 0; ++byte) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            Scene scene;
            scene.block[byte] ^= std::byte{1} << bit;
            scene.arena.give(scene.block);
            CHECK((scene.faults.size() == 1 || scene.arena.check()));
        }
    }
}

TEST_CASE("Writing past the end of a block is seen when it is freed", "[tlsf_damage]") {
    for (const bool next_is_free : {true, false}) {
        for (std::ptrdiff_t byte = -8; byte < 0; ++byte) {
            Scene scene(next_is_free);
            std::memset(scene.block + 104, 0x41, static_cast<std::size_t>(byte + 9));
            scene.arena.give(scene.block);
            CHECK(scene.fault() == HeapFaultKind::overflow);
            CHECK_FALSE(scene.arena.resize(scene.block, 10));
            CHECK(scene.fault() == HeapFaultKind::overflow);
            scene.goes_on();
        }
    }
}

TEST_CASE("Links that were written over are never followed", "[tlsf_damage]") {
    Scene other;
    const auto wild = [&](Scene& scene) {
        return std::array{std::uint64_t{0},
                          reinterpret_cast<std::uint64_t>(scene.free) + 1,
                          std::uint64_t{0x4141'4141'4141'4141},
                          ~std::uint64_t{0},
                          std::uint64_t{16},
                          reinterpret_cast<std::uint64_t>(scene.free) + 8,
                          reinterpret_cast<std::uint64_t>(scene.before) + 32,
                          reinterpret_cast<std::uint64_t>(other.free),
                          reinterpret_cast<std::uint64_t>(scene.chunk.base)};
    };
    for (const std::ptrdiff_t link : {0, 8}) {
        for (std::size_t i = 0; i < 9; ++i) {
            INFO("link " << link << " value " << i);
            {
                Scene scene(false);  // the free block before it
                write_word(at(scene.free, link), wild(scene)[i]);
                scene.arena.give(scene.block);
                CHECK(scene.fault() == HeapFaultKind::corrupt_free_list);
                CHECK_FALSE(scene.arena.check());
                scene.faults.clear();
                scene.goes_on();
                scene.arena.give(scene.next);  // has heard nothing of it
                CHECK(scene.faults.empty());
            }
            {
                Scene scene(true);  // the free block behind it
                write_word(at(scene.next, link), wild(scene)[i]);
                scene.arena.give(scene.block);
                CHECK(scene.fault() == HeapFaultKind::corrupt_free_list);
                // What was tried has been undone: the free block before it is in its ring.
                CHECK(scene.arena.take(200) == scene.free);
                scene.faults.clear();
            }
            {
                Scene scene(false);  // the block that a request wants
                write_word(at(scene.before, link), wild(scene)[i]);
                std::byte* const block = scene.arena.take(400);
                CHECK(scene.fault() == HeapFaultKind::corrupt_free_list);
                CHECK(block > scene.end);
                scene.arena.give(block);
                scene.goes_on();
            }
        }
    }
}

TEST_CASE("A free block that was written to is seen by those who want it", "[tlsf_damage]") {
    const auto places = [](const Scene& scene) {
        return std::array{static_cast<std::byte*>(nullptr),
                          reinterpret_cast<std::byte*>(~std::uintptr_t{0}),
                          reinterpret_cast<std::byte*>(std::uintptr_t{208 + 16}),
                          reinterpret_cast<std::byte*>(std::uintptr_t{208 - 16}),
                          reinterpret_cast<std::byte*>(std::uintptr_t{208 + 1024}),
                          scene.free + 1,
                          scene.free + 8,
                          scene.free + 16,
                          scene.free - 16,
                          scene.before,  // free too, but it ends elsewhere
                          scene.wall,
                          scene.block,
                          scene.next,
                          scene.chunk.base};
    };
    for (std::size_t i = 0; i < places(Scene{}).size(); ++i) {
        INFO("place " << i);
        Scene scene;
        // Where `free` begins, as it says at its end.
        write_word(at(scene.block, -16), reinterpret_cast<std::uint64_t>(places(scene)[i]));
        scene.arena.give(scene.block);
        CHECK(scene.fault() == HeapFaultKind::use_after_free);
        CHECK_FALSE(scene.arena.check());
        scene.faults.clear();
        scene.goes_on();
    }
    for (const std::uint64_t value : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0x4141}}) {
        Scene scene(false);
        write_word(at(scene.before, -8), value);
        std::byte* const block = scene.arena.take(400);
        if (value != 0) CHECK(scene.fault() == HeapFaultKind::corrupt_header);
        CHECK(block > scene.end);
        CHECK_FALSE(scene.arena.check());
        scene.faults.clear();
        scene.arena.give(block);
        scene.goes_on();
    }
}

TEST_CASE("Links of chunks that were written over are never followed", "[tlsf_damage]") {
    for (const std::uint32_t value : {0U, 1U, 0x4141'4141U, 0xffff'fffeU, 0x1000U}) {
        TlsfBench bench(4096);  // added first, so it is the last of the list
        bench.leave_out(16);
        const Region middle = bench.add(4096);
        std::memcpy(middle.base, &value, 4);
        CHECK_FALSE(bench.arena.remove_chunk(bench.chunk));
        CHECK(bench.fault() == HeapFaultKind::corrupt_free_list);
        CHECK(bench.arena.free_chunk(bench.chunk.base) == bench.chunk);
        CHECK(bench.arena.for_each_block([](const std::byte*, tlsf::View) {}) != nullptr);
        CHECK(bench.arena.take(4000) != nullptr);
        CHECK(bench.arena.take(4000) != nullptr);
        CHECK(bench.faults.empty());
    }
    // A list that leads back to where it came from is walked once or twice, not for ever.
    TlsfBench bench(4096);
    bench.leave_out(16);
    const Region second = bench.add(4096);
    std::memcpy(bench.chunk.base, second.base, 4);
    CHECK(bench.arena.for_each_block([](const std::byte*, tlsf::View) {}) != nullptr);
}

TEST_CASE("What a hook hears is a sentence", "[tlsf_damage]") {
    Scene scene;
    scene.block[104] ^= std::byte{1};
    scene.arena.give(scene.block);
    REQUIRE(scene.faults.size() == 1);
    CHECK(scene.faults[0].address == scene.block);
    CHECK(scene.faults[0].size == 104);
    CHECK(scene.faults[0].owner == "test");
    scene.faults.clear();
    scene.arena.refuse(scene.end, HeapFaultKind::wrong_size);
    CHECK(scene.fault() == HeapFaultKind::wrong_size);
    scene.arena.refuse(scene.free, HeapFaultKind::wrong_size);
    CHECK(scene.fault() == HeapFaultKind::double_free);
}

TEST_CASE("The heap survives any word being written over", "[tlsf_damage]") {
    const bool holds = rc::check("one word is damaged", [] {
        Bench bench(16 * 1024);
        std::vector<std::byte*> blocks;
        const auto churn = [&](int steps) {
            for (int i = 0; i < steps; ++i) {
                if (blocks.empty() || *rc::gen::inRange(0, 2) == 0) {
                    const auto size = *rc::gen::inRange<std::size_t>(0, 600);
                    if (std::byte* const block = bench.arena.take(size)) {
                        RC_ASSERT(block > bench.chunk.base);
                        RC_ASSERT(block + size <= bench.chunk.base + bench.chunk.size);
                        blocks.push_back(block);
                    }
                } else {
                    const auto which = *rc::gen::inRange<std::size_t>(0, blocks.size());
                    bench.arena.give(std::exchange(blocks[which], blocks.back()));
                    blocks.pop_back();
                }
            }
        };
        churn(60);
        const auto word = *rc::gen::inRange<std::size_t>(1, bench.chunk.size / 8 - 1);
        const auto value = *rc::gen::oneOf(
            rc::gen::arbitrary<std::uint64_t>(), rc::gen::just(std::uint64_t{0}),
            rc::gen::map(rc::gen::inRange<std::size_t>(0, bench.chunk.size / 16),
                         [&](std::size_t grain) {
                             return reinterpret_cast<std::uint64_t>(bench.chunk.base + grain * 16);
                         }));
        write_word(bench.chunk.base + word * 8, value);
        (void)bench.arena.check();
        (void)bench.arena.free_bytes();
        churn(60);
        (void)bench.arena.check();
    });
    CHECK(holds);
}
