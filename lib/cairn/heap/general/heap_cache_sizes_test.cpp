// SPDX-License-Identifier: MIT
// What the sizes and alignments that a user says are taken for.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cairn/heap/general/heap_test_support.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using test::HeapBench;

constexpr std::size_t page_uses = static_cast<std::size_t>(PageUse::apart) + 1;

TEST_CASE("sizes beyond all slots are not taken for other uses of pages", "[heap_cache_sizes]") {
    HeapBench heap;
    std::byte* const block = heap.cache.take(1025);
    std::byte* const run = heap.cache.take(300'000);
    const std::size_t usable = heap.cache.usable_size(block);
    for (std::size_t size = usable + 1; size < page_uses * 16 + 64; ++size) {
        heap.cache.give(block, {size});
        CHECK(heap.faults.only() == HeapFaultKind::wrong_size);
    }
    for (unsigned use = 0; use < page_uses; ++use) {
        heap.cache.give(run + heap_page, {use * 16});
        CHECK(heap.faults.only() == HeapFaultKind::invalid_pointer);
    }
    heap.cache.give(block, {1025});
    heap.cache.give(run, {300'000});
    CHECK(heap.faults.seen.empty());
    CHECK(heap.core.check());
}

TEST_CASE("a slot is freed with its size as it is without", "[heap_cache_sizes]") {
    HeapBench heap;
    std::byte* const slot = heap.cache.take(48);
    heap.cache.give(slot + 8, {48});
    CHECK(heap.faults.only() == HeapFaultKind::invalid_pointer);
    heap.cache.give(slot, {48});
    heap.cache.give(slot, {48});
    CHECK(heap.faults.only() == HeapFaultKind::double_free);
    CHECK(heap.core.check());
}

TEST_CASE("no pages that a damaged map makes up are taken for slots", "[heap_cache_sizes]") {
    HeapBench heap;
    std::byte* const slot = heap.cache.take(48);
    auto* const uses = const_cast<std::uint8_t*>(heap.use_map());
    std::size_t page = 0;
    while (uses[page] != 3)
        ++page;
    const std::uint8_t use = uses[page];
    for (unsigned damaged = page_uses; damaged <= UINT8_MAX; ++damaged) {
        uses[page] = static_cast<std::uint8_t>(damaged);
        heap.cache.give(slot, {std::size_t{damaged} * 16});
        CHECK(heap.faults.only() == HeapFaultKind::invalid_pointer);
    }
    uses[page] = use;
    heap.cache.give(slot, {48});
    CHECK(heap.core.check());
}

TEST_CASE("what lies inside a block is no block, whatever its user wrote before it",
          "[heap_cache_sizes]") {
    HeapBench heap;
    std::vector<std::byte*> blocks;
    while (std::byte* const block = heap.cache.take(4000))
        blocks.push_back(block);
    REQUIRE(!blocks.empty());
    std::byte* const last = *std::ranges::max_element(blocks);
    for (const std::size_t word : {std::size_t{65536}, std::size_t{23130}, std::size_t{1} << 40}) {
        for (std::size_t at = 0; at < 4000 - sizeof(word); at += sizeof(word))
            std::memcpy(last + at, &word, sizeof(word));
        heap.cache.give(last + 32);
        CHECK(heap.faults.seen.size() == 1);
        heap.faults.seen.clear();
    }
    for (std::byte* const block : blocks)
        heap.cache.give(block);
    CHECK(heap.faults.seen.empty());
    CHECK(heap.core.check());
}

TEST_CASE("slots are found by size and alignment, or nothing is", "[heap_cache_sizes]") {
    HeapBench heap;
    CHECK(heap.cache.take_at_hand(64) == nullptr);
    REQUIRE(heap.cache.open());
    std::byte* const block = heap.cache.take(40, 64);
    REQUIRE(block != nullptr);
    heap.cache.give(block);
    for (const std::size_t alignment : {0u, 3u, 24u, 48u, 63u, 65u, 96u, 192u}) {
        CHECK(heap.cache.take_at_hand(64, alignment) == nullptr);
        CHECK(heap.cache.take(64, alignment) == nullptr);
    }
    for (std::size_t alignment = 1; alignment != 0; alignment *= 2) {
        CHECK(heap.cache.take_at_hand(SIZE_MAX - alignment / 2, alignment) == nullptr);
        CHECK(heap.cache.take_at_hand(SIZE_MAX, alignment) == nullptr);
        CHECK(heap.cache.take_at_hand(0, alignment) == nullptr);
        std::byte* const found = heap.cache.take_at_hand(alignment > 64 ? 1 : 49, alignment);
        CHECK((found != nullptr) == (alignment <= 64));
        if (found != nullptr) heap.cache.give(found, {49, alignment});
    }
    CHECK(heap.faults.seen.empty());
    CHECK(heap.core.check());
}

}  // namespace
}  // namespace cairn
