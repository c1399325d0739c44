// SPDX-License-Identifier: MIT
#include "cairn/monotonic_arena.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <vector>

#include "cairn/allocator.hpp"
#include "cairn/bump_allocator.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;
using cairn::tests::ModelHeap;

namespace {

using Arena = MonotonicArena<ModelHeap>;
static_assert(ByteAllocator<Arena>);

bool is_at(const std::byte* block, std::size_t alignment) {
    return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

struct Block {
    std::byte* at;
    std::size_t size;
    std::byte pattern;
};

bool holds(const Block& block) {
    return std::all_of(block.at, block.at + block.size,
                       [&](std::byte byte) { return byte == block.pattern; });
}

}  // namespace

TEST_CASE("An arena takes chunks as it needs them and returns them all", "[monotonic_arena]") {
    ModelHeap heap;
    {
        Arena arena(heap, 1024);
        CHECK(heap.allocations() == 0);
        CHECK(arena.capacity() == 0);
        REQUIRE(arena.allocate({100}).has_value());
        REQUIRE(arena.allocate({100}).has_value());
        CHECK(heap.allocations() == 1);
        CHECK(arena.capacity() == 1024);
        CHECK(arena.used() == 224);
        REQUIRE(arena.allocate({1000}).has_value());  // the second chunk is twice as large
        CHECK(arena.capacity() == 3072);
        REQUIRE(arena.allocate({std::size_t{1} << 20}).has_value());  // one of its own
        CHECK(heap.blocks().size() == 3);
        arena.release_all();
        CHECK(heap.blocks().empty());
        REQUIRE(arena.allocate({1}).has_value());
    }
    CHECK(heap.blocks().empty());
    CHECK(heap.errors() == 0);
}

TEST_CASE("An arena's blocks lie on any alignment", "[monotonic_arena]") {
    ModelHeap heap;
    Arena arena(heap, 256);
    for (std::size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        std::byte* const block = arena.allocate({24, alignment}).value();
        CHECK(is_at(block, alignment));
        std::fill_n(block, 24, std::byte{1});
    }
}

TEST_CASE("An arena says why it refuses, and goes on", "[monotonic_arena]") {
    ModelHeap heap(4000);
    Arena arena(heap, 1024);
    CHECK(arena.allocate({1, 3}).error() == AllocError::bad_alignment);
    CHECK(arena.allocate({1, 0}).error() == AllocError::bad_alignment);
    CHECK(arena.allocate({SIZE_MAX}).error() == AllocError::too_large);
    CHECK(arena.allocate({SIZE_MAX - 100, 4096}).error() == AllocError::too_large);
    CHECK(arena.allocate({1, std::size_t{1} << 63}).error() == AllocError::too_large);
    CHECK(arena.allocate({5000}).error() == AllocError::out_of_memory);
    REQUIRE(arena.allocate({900}).has_value());
    CHECK(arena.allocate({3000}).error() == AllocError::out_of_memory);
    REQUIRE(arena.allocate({1900}).has_value());
    // 2048 or more are not to be had any more, but what is needed is.
    REQUIRE(arena.allocate({700}).has_value());
    CHECK(heap.blocks().size() == 3);
}

TEST_CASE("An arena's last block can grow, shrink and go", "[monotonic_arena]") {
    ModelHeap heap;
    Arena arena(heap, 1024);
    arena.deallocate(nullptr, {1});
    CHECK_FALSE(arena.try_resize(nullptr, {1}, 1));
    std::byte* const first = arena.allocate({16}).value();
    std::byte* const last = arena.allocate({16}).value();
    CHECK(arena.try_resize(last, {16}, 900));
    CHECK_FALSE(arena.try_resize(last, {900}, 1000));
    CHECK_FALSE(arena.try_resize(first, {16}, 32));
    arena.deallocate(first, {16});
    CHECK(arena.used() == 16 + 912);
    arena.deallocate(last, {900});
    CHECK(arena.used() == 16);
    arena.deallocate(first, {16});
    CHECK(arena.used() == 0);
}

TEST_CASE("Marks release what came after them", "[monotonic_arena]") {
    ModelHeap heap;
    Arena arena(heap, 256);
    const auto empty = arena.mark();
    std::byte* const kept = arena.allocate({100}).value();
    std::fill_n(kept, 100, std::byte{7});
    const auto outer = arena.mark();
    REQUIRE(arena.allocate({1000}).has_value());
    const auto inner = arena.mark();
    REQUIRE(arena.allocate({5000}).has_value());
    REQUIRE(heap.blocks().size() == 3);
    REQUIRE(arena.release(inner).has_value());
    CHECK(heap.blocks().size() == 2);
    REQUIRE(arena.release(outer).has_value());
    CHECK(heap.blocks().size() == 1);
    CHECK(arena.used() == 112);
    CHECK(arena.release(inner).error() == AllocError::bad_mark);  // its chunk is gone
    CHECK(holds({kept, 100, std::byte{7}}));
    REQUIRE(arena.release(outer).has_value());
    REQUIRE(arena.release(empty).has_value());
    CHECK(heap.blocks().empty());
    CHECK(arena.release(outer).error() == AllocError::bad_mark);
}

TEST_CASE("Containers and other arenas live in an arena", "[monotonic_arena]") {
    alignas(16) std::array<std::byte, 8192> memory{};
    BumpAllocator bump;
    REQUIRE(bump.init({memory.data(), memory.size()}).has_value());
    {
        MonotonicArena outer(bump, 512);
        MonotonicArena inner(outer, 128);
        std::vector<int, allocator_ref<int, decltype(inner)>> numbers(inner);
        for (int i = 0; i < 100; ++i)
            numbers.push_back(i);
        CHECK(numbers[99] == 99);
        CHECK(bump.owns(numbers.data()));
    }
    CHECK(bump.used() == 0);  // chunks went back in reverse order
}

TEST_CASE("No sequence of blocks and marks disturbs an older block", "[monotonic_arena]") {
    const bool ok = rc::check("monotonic arena against a stack of blocks", [] {
        ModelHeap heap(*rc::gen::inRange<std::size_t>(500, 100000));
        struct Level {
            Arena::Mark mark;
            std::size_t blocks;
        };
        Arena arena(heap, *rc::gen::inRange<std::size_t>(0, 3000));
        std::vector<Block> blocks;
        std::vector<Level> levels;
        unsigned painted = 0;
        const auto steps = *rc::gen::inRange(1, 80);
        for (int i = 0; i < steps; ++i) {
            const auto choice = *rc::gen::inRange(0, 10);
            if (choice == 0) {
                levels.push_back({arena.mark(), blocks.size()});
            } else if (choice == 1 && !levels.empty()) {
                const auto which = *rc::gen::inRange<std::size_t>(0, levels.size());
                RC_ASSERT(arena.release(levels[which].mark).has_value());
                blocks.resize(std::min(blocks.size(), levels[which].blocks));
                levels.resize(which);
            } else {
                const auto size = *rc::gen::inRange<std::size_t>(0, 2000);
                const auto alignment = std::size_t{1} << *rc::gen::inRange(0, 9);
                const auto block = arena.allocate({size, alignment});
                if (!block) continue;
                RC_ASSERT(is_at(*block, alignment));
                blocks.push_back({*block, size, static_cast<std::byte>(++painted)});
                std::fill_n(*block, size, blocks.back().pattern);
            }
            RC_ASSERT(std::ranges::all_of(blocks, holds));
        }
        arena.release_all();
        RC_ASSERT(heap.blocks().empty() && heap.errors() == 0);
    });
    CHECK(ok);
}
