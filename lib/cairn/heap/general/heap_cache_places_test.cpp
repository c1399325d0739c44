// SPDX-License-Identifier: MIT
// What a cache may keep of blocks and runs, whatever comes back in which order. None of these
// requests is a slot's.
#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "cairn/heap/general/heap_magazines.hpp"
#include "cairn/heap/general/heap_test_support.hpp"
#include "cairn/heap/store/tlsf_block.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using test::HeapBench;

std::size_t limit(std::size_t window) {
    return std::min(window / 8, std::size_t{12} << 20);
}

struct Request {
    std::size_t size;
    std::size_t alignment;
};

/// Any block or run that a magazine takes; all of about one length where `narrow`.
Request any_request(std::mt19937& random, bool narrow) {
    const std::size_t size =
        narrow ? 40'000 + random() % 9000 : (std::size_t{1025} << random() % 6) + random() % 1000;
    return {size, random() % 3 == 0 ? heap_page : default_alignment};
}

/// Takes blocks until `bytes` live, then frees them in any order: the most that was kept.
std::size_t most_kept(HeapBench& heap, std::mt19937& random, std::size_t bytes, bool narrow) {
    std::vector<std::byte*> blocks;
    for (std::size_t live = 0; live < bytes;) {
        const Request request = any_request(random, narrow);
        blocks.push_back(heap.cache.take(request.size, request.alignment));
        REQUIRE(blocks.back() != nullptr);
        live += request.size;
    }
    std::ranges::shuffle(blocks, random);
    std::size_t most = 0;
    for (std::byte* block : blocks) {
        heap.cache.give(block);
        most = std::max(most, heap.cache.cached_bytes());
    }
    return most;
}

TEST_CASE("what a cache keeps beyond slots has a limit", "[heap_cache_places]") {
    const std::size_t window = std::size_t{1} << GENERATE(21, 24, 25);
    const unsigned seed = GENERATE(1u, 2u);
    INFO("window " << window << ", seed " << seed);
    HeapBench heap(window);
    std::mt19937 random(seed);
    std::vector<std::byte*> blocks;
    std::size_t most = 0;
    for (int step = 0; step < 30'000; ++step) {
        // Sizes change from time to time: others want the places then.
        const Request request = any_request(random, step / 5000 % 2 != 0);
        if (random() % 1000 < 500 - static_cast<unsigned>(step % 7000) / 20) {
            std::byte* const block = heap.cache.take(request.size, request.alignment);
            if (block != nullptr) blocks.push_back(block);
        } else if (!blocks.empty()) {
            std::swap(blocks[random() % blocks.size()], blocks.back());
            heap.cache.give(blocks.back());
            blocks.pop_back();
        }
        if (step % 9973 == 0) heap.cache.flush();
        most = std::max(most, heap.cache.cached_bytes());
        REQUIRE(most <= limit(window));
    }
    CHECK(most > limit(window) / 3);
    for (std::byte* block : blocks)
        heap.cache.give(block);
    CHECK(heap.core.check());
    heap.cache.flush();
    CHECK(heap.cache.cached_bytes() == 0);
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("places go from sizes that had them to sizes that come back", "[heap_cache_places]") {
    constexpr std::size_t window = std::size_t{64} << 20;
    const bool flushed = GENERATE(false, true);
    HeapBench heap(window);
    std::mt19937 random(7);
    for (int round = 0; round < 6; ++round) {
        const std::size_t most = most_kept(heap, random, window / 2, round % 2 != 0);
        INFO("round " << round);
        CHECK(most > limit(window) / 2);
        CHECK(most <= limit(window));
        if (flushed) heap.cache.flush();
        CHECK((heap.cache.cached_bytes() == 0) == flushed);
    }
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("blocks wait for the next request of their length", "[heap_cache_places]") {
    HeapBench heap(std::size_t{64} << 20);
    for (const std::size_t size : std::initializer_list<std::size_t>{
             1025, 2000, 4072, 4088, 4089, 4095, 4096, 4104, 5000, 65'535, 65'536, 65'768}) {
        INFO("size " << size);
        std::vector<std::byte*> blocks;
        for (int i = 0; i < 6; ++i)
            blocks.push_back(heap.cache.take(size));
        for (std::byte* block : blocks)
            heap.cache.give(block);
        const std::size_t kept = heap.cache.cached_bytes();
        CHECK(kept >= 6 * size);
        std::vector<std::byte*> again;
        for (int i = 0; i < 6; ++i)
            again.push_back(heap.cache.take(size));
        CHECK(std::ranges::is_permutation(blocks, again));
        CHECK(kept - heap.cache.cached_bytes() >= 6 * size);
        for (std::byte* block : again)
            heap.cache.give(block);
        heap.cache.flush();
    }
    std::byte* const longer = heap.cache.take(65'769);
    heap.cache.give(longer);
    CHECK(heap.cache.cached_bytes() == 0);
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("runs of up to 16 pages wait for the next request", "[heap_cache_places]") {
    HeapBench heap(std::size_t{64} << 20);
    for (const std::size_t size :
         std::initializer_list<std::size_t>{1024, 4096, 4097, 65'535, 65'536}) {
        INFO("size " << size);
        std::byte* const run = heap.cache.take(size, heap_page);
        heap.cache.give(run);
        CHECK(heap.cache.cached_bytes() >= size);
        CHECK(heap.cache.take(size, heap_page) == run);
        CHECK(heap.cache.cached_bytes() == 0);
        heap.cache.give(run);
        heap.cache.flush();
    }
    for (const std::size_t size :
         std::initializer_list<std::size_t>{65'537, 66'559, 66'560, 70'000}) {
        heap.cache.give(heap.cache.take(size, heap_page));
        CHECK(heap.cache.cached_bytes() == 0);
    }
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

/// Has a used block's header say that it is `length` long in all, in both ways.
void lie(std::byte* block, std::size_t length) {
    tlsf::header(block)->set(length, tlsf::low(tlsf::end_of(block, length)));
}

TEST_CASE("lengths that lie do not change how much a cache keeps", "[heap_cache_places]") {
    constexpr std::size_t window = std::size_t{64} << 20;
    const auto [told, in_fact] =
        GENERATE(std::pair{4000u, 1100u}, std::pair{1104u, 4000u}, std::pair{60'000u, 5000u});
    HeapBench heap(window);
    std::mt19937 random(3);
    static_cast<void>(most_kept(heap, random, window / 4, false));
    heap.cache.flush();
    for (int round = 0; round < 500; ++round) {
        std::byte* const block = heap.cache.take(in_fact);
        if (block == nullptr) break;
        lie(block, told / 16 * 16);
        heap.cache.give(block);
        REQUIRE(heap.cache.cached_bytes() <= limit(window));
        heap.cache.flush();
    }
    heap.faults.seen.clear();
    const std::size_t most = most_kept(heap, random, window / 4, false);
    CHECK(most <= limit(window));
    CHECK(most > limit(window) / 2);
}

TEST_CASE("a cache that closed has no places", "[heap_cache_places]") {
    HeapBench heap;
    std::vector<std::byte*> blocks;
    for (int i = 0; i < 100; ++i)
        blocks.push_back(heap.cache.take(2000));
    std::byte* const run = heap.cache.take(8192, heap_page);
    for (std::byte* block : blocks)
        heap.cache.give(block);
    CHECK(heap.cache.cached_bytes() != 0);
    heap.cache.close();
    heap.cache.give(run);
    heap.cache.give(heap.cache.take(2000));
    CHECK(heap.cache.cached_bytes() == 0);
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

}  // namespace
}  // namespace cairn
