// SPDX-License-Identifier: MIT
#include "cairn/heap/general/heap_core.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "cairn/heap/general/heap_test_support.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using test::HeapBench;

/// Spoils the memory that it hears of, so that a heap that still needs it is found out.
struct Spoiler {
    std::size_t calls = 0;
    std::size_t bytes = 0;
    bool aligned = true;

    [[nodiscard]] Releaser releaser(std::size_t kept) {
        return {.function =
                    [](void* self, std::byte* base, std::size_t size) {
                        auto& spoiler = *static_cast<Spoiler*>(self);
                        ++spoiler.calls;
                        spoiler.bytes += size;
                        spoiler.aligned = spoiler.aligned && size % heap_page == 0 &&
                                          reinterpret_cast<std::uintptr_t>(base) % heap_page == 0;
                        std::memset(base, 0, size);
                    },
                .context = this,
                .kept = kept};
    }
};

TEST_CASE("free memory is offered when there is much of it", "[heap_core]") {
    const std::size_t size = GENERATE(100u, 3000u, 100'000u, 1'000'000u);
    INFO("size " << size);
    HeapBench heap;
    Spoiler spoiler;
    heap.core.set_releaser(spoiler.releaser(std::size_t{2} << 20));
    // What comes and goes in a cache frees nothing.
    for (int i = 0; i < 1000 && size < 10'000; ++i)
        heap.cache.give(heap.cache.take(size));
    CHECK(spoiler.calls == 0);
    for (int round = 0; round < 3; ++round) {
        spoiler.bytes = 0;
        std::vector<std::byte*> blocks;
        while (blocks.size() * size < std::size_t{12} << 20) {
            blocks.push_back(heap.cache.take(size));
            REQUIRE(blocks.back() != nullptr);
            std::memset(blocks.back(), 0xff, size);
        }
        for (std::byte* block : blocks)
            heap.cache.give(block);
        CHECK(spoiler.bytes > std::size_t{8} << 20);
        CHECK(spoiler.aligned);
        CHECK(heap.core.check());
    }
    CHECK(heap.core.statistics().peak > std::size_t{12} << 20);
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("what is taken again is not offered, however much comes and goes", "[heap_core]") {
    const std::size_t size = GENERATE(3000u, 20'000u, 100'000u, 1'000'000u);
    INFO("size " << size);
    HeapBench heap;
    Spoiler spoiler;
    heap.core.set_releaser(spoiler.releaser(std::size_t{2} << 20));
    std::vector<std::byte*> blocks((std::size_t{8} << 20) / size);
    for (std::byte*& block : blocks)
        block = heap.cache.take(size);
    for (int round = 0; round < 100; ++round) {
        // A million bytes at a time, 100 million in all.
        const std::span some(blocks.data(), std::max<std::size_t>(1'000'000 / size, 1));
        for (std::byte* block : some)
            heap.cache.give(block);
        for (std::byte*& block : some)
            block = heap.cache.take(size);
    }
    CHECK(spoiler.calls == 0);
    CHECK(heap.core.check());
}

TEST_CASE("a region of zeros need not be cleared", "[heap_core]") {
    const Region region = mmap_region(std::size_t{1} << 30).value();
    BumpAllocator source;
    REQUIRE(source.init(region));
    HeapCore core;
    REQUIRE(core.init(source, "test", {}, true));
    HeapCache cache(core);
    std::byte* const block = cache.take(100);
    CHECK(block != nullptr);
    cache.give(block);
    CHECK(core.check());
    ::munmap(region.base, region.size);
}

TEST_CASE("the walk sees a write to a slot that was never handed out", "[heap_core]") {
    HeapBench heap;
    std::byte* const block = heap.cache.take(64);
    CHECK(heap.core.check());
    std::memset(block + 63 * 64, 0x5a, 16);  // the last one of its page
    CHECK_FALSE(heap.core.check());
    CHECK(heap.faults.only() == HeapFaultKind::use_after_free);
}

TEST_CASE("a new slab touches no page before a slot of it is handed out", "[heap_core]") {
    HeapBench heap;
    std::byte* const block = heap.cache.take(16);
    std::memset(block + heap_page, 0x5a, 3 * heap_page);
    CHECK(heap.core.check());
    std::vector<std::byte*> blocks;
    for (std::size_t i = 0; i < slots_per_slab(1); ++i)
        blocks.push_back(heap.cache.take(16));
    for (std::byte* each : blocks)
        heap.cache.give(each);
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("a forked child forgets the caches of threads that it does not have", "[heap_core]") {
    HeapBench heap;
    const std::size_t before = heap.core.statistics().live;
    std::byte* const block = heap.cache.take(100);
    {
        HeapCache lost(heap.core);
        std::byte* const theirs = lost.take(100);
        lost.give(theirs);
        heap.core.lock();
        heap.core.forget_caches_but(heap.cache);
        heap.core.unlock();
        std::memset(static_cast<void*>(&lost), 0xff, sizeof lost);  // another thread's stack now
    }
    CHECK(heap.core.statistics().live > before);
    heap.cache.give(block);
    heap.cache.close();
    CHECK(heap.core.check());
    // A cache that was never opened is none of the heap's.
    HeapCache unopened(heap.core);
    heap.core.lock();
    heap.core.forget_caches_but(unopened);
    heap.core.unlock();
    CHECK(heap.core.statistics().cached == 0);
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("where little is left, blocks stand for the longest slots", "[heap_core]") {
    HeapBench heap(std::size_t{8} << 20);
    const auto use = [&](const std::byte* block) {
        const std::size_t page = static_cast<std::size_t>(block - heap.region.base) / heap_page;
        return unsigned{heap.core.use_map()[page]};
    };
    CHECK(use(heap.cache.take(600)) == small_class(600));
    CHECK(use(heap.cache.take(300)) == small_class(300));
    for (std::size_t left = heap.region.size; left > heap.region.size / 20; left -= 60'000)
        (void)heap.cache.take(60'000);
    std::byte* const block = heap.cache.take(700);
    CHECK(use(block) == static_cast<unsigned>(PageUse::block_chunk));
    CHECK(heap.cache.usable_size(block) >= 700);
    CHECK(use(heap.cache.take(400)) == small_class(400));
    heap.cache.deallocate(block, {.size = 700});
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("long slots of others are used before memory ends", "[heap_core]") {
    HeapBench heap(std::size_t{8} << 20);
    HeapCache other(heap.core);
    std::vector<std::byte*> blocks;
    for (int i = 0; i < 1024; ++i)
        blocks.push_back(other.take(1000));
    for (std::size_t i = 0; i < blocks.size(); i += 2)
        other.give(blocks[i]);
    other.flush();
    for (std::size_t size = 200'000; size > 3000; size /= 2) {
        while (heap.cache.take(size) != nullptr) {
        }
    }
    int count = 0;
    while (heap.cache.take(1000) != nullptr)
        ++count;
    CHECK(count >= 512);
    CHECK(heap.core.check());
}

TEST_CASE("a longer block serves where the window is vast", "[heap_core]") {
    for (const bool is_vast : {false, true}) {
        HeapBench heap(std::size_t{is_vast ? 1024U : 64U} << 20);
        std::byte* const block = heap.cache.take(40'000);
        heap.cache.give(block);
        CHECK(heap.cache.take(30'000) != block);
        CHECK((heap.cache.take(35'000) == block) == is_vast);
        CHECK(heap.core.check());
        CHECK(heap.faults.seen.empty());
    }
}

TEST_CASE("memory is not short any more once all blocks are given back", "[heap_core]") {
    for (const std::size_t size : {100'000U, 3000U}) {
        HeapBench heap(std::size_t{64} << 20);
        std::vector<std::byte*> blocks;
        while (std::byte* const block = heap.cache.take(size))
            blocks.push_back(block);
        for (std::byte* const block : blocks)
            heap.cache.give(block);
        heap.cache.flush();
        CHECK(heap.cache.take(48) != nullptr);
        CHECK(heap.core.statistics().cached > 48);  // a batch, not a slot alone
        CHECK(heap.core.check());
    }
}

}  // namespace
}  // namespace cairn
