// SPDX-License-Identifier: MIT
// Slabs that are taken apart, seen through a heap: their free slots serve blocks, and their slots
// stay what they were.
#include "cairn/heap/store/slab_store.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "cairn/heap/general/heap_test_support.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using test::HeapBench;

/// Blocks of a heap, each filled with a byte of its own.
class Blocks {
  public:
    explicit Blocks(HeapBench& heap) : heap_(heap) {}

    bool add(std::size_t size) {
        std::byte* const block = heap_.cache.take(size);
        if (block == nullptr) return false;
        std::memset(block, pattern(block), size);
        blocks_.push_back({block, size});
        live_ += size;
        return true;
    }
    /// Whether the block was as it had been left.
    bool remove(std::size_t index) {
        const Block block = std::exchange(blocks_[index], blocks_.back());
        blocks_.pop_back();
        live_ -= block.size;
        const bool whole = std::ranges::all_of(
            std::span(block.at, block.size),
            [&](std::byte each) { return each == static_cast<std::byte>(pattern(block.at)); });
        heap_.cache.give(block.at);
        return whole;
    }
    [[nodiscard]] std::size_t count() const { return blocks_.size(); }
    [[nodiscard]] std::size_t live() const { return live_; }
    [[nodiscard]] std::byte* at(std::size_t index) const { return blocks_[index].at; }

  private:
    struct Block {
        std::byte* at;
        std::size_t size;
    };
    static int pattern(const std::byte* block) {
        return static_cast<int>(reinterpret_cast<std::uintptr_t>(block) / 16 % 251);
    }

    HeapBench& heap_;
    std::vector<Block> blocks_;
    std::size_t live_ = 0;
};

bool is_apart(const HeapBench& heap, const std::byte* block) {
    const auto page = static_cast<std::size_t>(block - heap.region.base) / heap_page;
    return heap.use_map()[page] == static_cast<std::uint8_t>(PageUse::apart);
}

/// A heap with slabs of `size` that were taken apart: of the slots every `stays`th one is left.
void take_apart(HeapBench& heap, Blocks& blocks, std::size_t size, std::size_t stays) {
    while (blocks.live() < heap.region.size / 4)
        REQUIRE(blocks.add(size));
    for (std::size_t i = blocks.count(); i-- > 0;) {
        if (i % stays != 0) REQUIRE(blocks.remove(i));
    }
    heap.cache.flush();
    for (unsigned i = 0; i < 1500; ++i)
        heap.cache.give(heap.cache.take(40'000 + 128 * i));
}

/// Frees all blocks, from their middle on: nothing is left of slabs, taken apart or not.
void ends_whole(HeapBench& heap, Blocks& blocks) {
    bool whole = true;
    while (blocks.count() != 0)
        whole = blocks.remove(blocks.count() / 2) && whole;
    CHECK(whole);
    heap.cache.flush();
    CHECK(heap.core.check());
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.cache.take(heap.region.size * 9 / 10) != nullptr);
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("free slots of one size serve blocks of others", "[slab_store]") {
    HeapBench heap;
    Blocks blocks(heap);
    std::mt19937 random(1);
    const auto below = [&](std::size_t bound) { return random() % bound; };
    while (blocks.live() < heap.region.size / 2)
        REQUIRE(blocks.add(128 + below(129)));
    for (std::size_t i = blocks.count(); i-- > 0;) {
        if (below(4) != 0) REQUIRE(blocks.remove(i));
    }
    bool whole = true;
    while (true) {
        if (below(3) == 0) {
            whole = blocks.remove(below(blocks.count())) && whole;
        } else if (!blocks.add(256 + below(2048))) {
            break;
        }
    }
    CHECK(whole);
    // 58 % where no slab is taken apart.
    CHECK(blocks.live() * 100 / heap.region.size >= 72);
    CHECK(heap.core.check());
    ends_whole(heap, blocks);
}

TEST_CASE("slots of every class outlive their slab", "[slab_store]") {
    for (unsigned c = smallest_apart; c <= small_classes; ++c) {
        HeapBench heap;
        Blocks blocks(heap);
        take_apart(heap, blocks, class_size(c), 5);
        std::size_t apart = 0;
        for (std::size_t i = 0; i < blocks.count(); ++i) {
            apart += is_apart(heap, blocks.at(i)) ? 1 : 0;
            CHECK(heap.cache.usable_size(blocks.at(i)) == class_size(c));
        }
        INFO("class " << c);
        CHECK(apart * 2 > blocks.count());
        CHECK(heap.core.check());
        ends_whole(heap, blocks);
    }
}

TEST_CASE("mistakes are told by their name where a slab was taken apart", "[slab_store]") {
    HeapBench heap;
    Blocks blocks(heap);
    take_apart(heap, blocks, 256, 8);
    std::size_t index = 0;
    while (!is_apart(heap, blocks.at(index)))
        ++index;
    std::byte* const slot = blocks.at(index);
    REQUIRE(is_apart(heap, slot));
    heap.faults.seen.clear();
    heap.cache.give(slot + 16);
    CHECK(heap.faults.only() == HeapFaultKind::invalid_pointer);
    heap.cache.give(slot, Layout{.size = 100});
    CHECK(heap.faults.only() == HeapFaultKind::wrong_size);
    CHECK(heap.cache.try_resize(slot, {.size = 256}, 250));
    CHECK(!heap.cache.try_resize(slot, {.size = 256}, 300));
    heap.cache.give(slot);
    heap.cache.give(slot);
    CHECK(heap.faults.only() == HeapFaultKind::double_free);
    // A block where slots were.
    std::byte* const block = heap.cache.take(1100);
    REQUIRE(is_apart(heap, block));
    CHECK(heap.cache.usable_size(block) >= 1100);
    heap.cache.give(block, Layout{.size = 256});
    CHECK(heap.faults.seen.empty());
    heap.cache.give(block);
    CHECK(heap.faults.only() == HeapFaultKind::double_free);
    CHECK(heap.core.check());
}

TEST_CASE("a slab that came back whole is not looked into any more", "[slab_store]") {
    HeapBench heap;
    Blocks blocks(heap);
    take_apart(heap, blocks, 512, 4);
    while (blocks.count() != 0)
        CHECK(blocks.remove(blocks.count() / 2));
    heap.cache.flush();
    // Runs of two pages, so that others begin within what were slabs.
    std::vector<std::byte*> runs;
    while (std::byte* const run = heap.cache.take_pages(2 * heap_page))
        runs.push_back(run);
    for (std::size_t i = 0; i < runs.size(); i += 2)
        heap.cache.give(runs[i]);
    CHECK(heap.cache.take(heap.region.size) == nullptr);
    CHECK(heap.cache.take(600) != nullptr);
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("a slot that waits to be opened is not taken back", "[slab_store]") {
    HeapBench heap;
    Blocks blocks(heap);
    while (blocks.live() < heap.region.size / 4)
        REQUIRE(blocks.add(144));
    std::vector<std::byte*> freed;
    for (std::size_t i = blocks.count(); i-- > 0;) {
        if (i % 5 == 0) continue;
        freed.push_back(blocks.at(i));
        REQUIRE(blocks.remove(i));
    }
    heap.cache.flush();
    heap.cache.give(heap.cache.take(40'000));  // begins with a slab
    std::size_t given = 0;
    for (std::byte* const slot : freed) {
        if (!is_apart(heap, slot)) continue;
        std::memset(slot, 0, 16);  // its canary too
        heap.cache.give(slot);
        ++given;
    }
    CHECK(given != 0);
    CHECK(heap.faults.seen.size() == given);
    for (unsigned i = 0; i < 200; ++i)
        heap.cache.give(heap.cache.take(40'000 + 128 * i));
    CHECK(heap.core.check());
}

}  // namespace
}  // namespace cairn
