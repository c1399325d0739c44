// SPDX-License-Identifier: MIT
#include "cairn/heap/general/heap_cache.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "cairn/heap/general/heap_test_support.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using test::HeapBench;

std::byte* take(HeapBench& heap, std::size_t size) {
    std::byte* const block = heap.cache.take(size);
    REQUIRE(block != nullptr);
    REQUIRE(reinterpret_cast<std::uintptr_t>(block) % default_alignment == 0);
    std::memset(block, 0xa5, size);
    return block;
}

TEST_CASE("blocks of every size are apart, aligned and usable", "[heap_cache]") {
    HeapBench heap;
    std::map<std::byte*, std::size_t> blocks;
    for (std::size_t size = 0; size < 1300; ++size)
        blocks[take(heap, size)] = size;
    for (const std::size_t size : std::initializer_list<std::size_t>{
             2000, 4080, 4096, 4097, 5000, 32'760, 32'761, 40'000, 262'144, 262'145, 1'000'000}) {
        blocks[take(heap, size)] = size;
    }
    const std::byte* end = nullptr;
    for (const auto& [block, size] : blocks) {
        CHECK(block >= end);
        CHECK(heap.cache.usable_size(block) >= size);
        CHECK(heap.cache.owns(block));
        end = block + heap.cache.usable_size(block);
    }
    CHECK(heap.core.check());
    for (const auto& [block, size] : blocks)
        heap.cache.deallocate(block, {.size = size});
    CHECK(heap.core.check());
    heap.cache.flush();
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.core.statistics().cached == 0);
    CHECK(heap.core.check());
    for (const HeapFault& fault : heap.faults.seen) {
        WARN(to_string(fault.kind) << " " << fault.address);
    }
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("every power of two is an alignment", "[heap_cache]") {
    HeapBench heap(std::size_t{64} << 20);
    for (std::size_t alignment = 1; alignment <= (std::size_t{8} << 20); alignment *= 2) {
        for (const std::size_t size :
             std::initializer_list<std::size_t>{1, 16, 100, 1024, 1025, 3000, 4096, 70'000}) {
            const auto block = heap.cache.allocate({size, alignment});
            INFO(size << " at " << alignment);
            REQUIRE(block);
            CHECK(reinterpret_cast<std::uintptr_t>(*block) % alignment == 0);
            std::memset(*block, 1, size);
            heap.cache.deallocate(*block, {size, alignment});
        }
    }
    CHECK(heap.core.check());
    for (const HeapFault& fault : heap.faults.seen) {
        WARN(to_string(fault.kind) << " " << fault.address);
    }
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("what is refused has a reason", "[heap_cache]") {
    HeapBench heap;
    CHECK(heap.cache.allocate({16, 24}).error() == AllocError::bad_alignment);
    CHECK(heap.cache.allocate({SIZE_MAX, 16}).error() == AllocError::too_large);
    CHECK(heap.cache.allocate({std::size_t{1} << 40, 16}).error() == AllocError::out_of_memory);
    CHECK(heap.cache.allocate({16, std::size_t{1} << 40}).error() == AllocError::out_of_memory);
    CHECK(heap.cache.take(SIZE_MAX) == nullptr);
    CHECK(heap.cache.take(16, 24) == nullptr);
    CHECK(heap.core.statistics().failures >= 2);
    HeapCore never;
    HeapCache closed(never);
    CHECK(closed.take(1) == nullptr);
    CHECK(closed.take(5000) == nullptr);
    CHECK(closed.take(100'000, 4096) == nullptr);
    closed.give(nullptr);
}

TEST_CASE("a heap can be filled, emptied and filled again", "[heap_cache]") {
    const std::size_t size = GENERATE(16u, 48u, 500u, 2000u, 20'000u, 300'000u);
    HeapBench heap(std::size_t{4} << 20);
    std::size_t counts[2]{};
    for (std::size_t& count : counts) {
        std::vector<std::byte*> blocks;
        while (std::byte* const block = heap.cache.take(size))
            blocks.push_back(block);
        count = blocks.size();
        CHECK(std::set(blocks.begin(), blocks.end()).size() == count);
        for (std::byte* block : blocks)
            heap.cache.give(block);
        CHECK(heap.core.check());
    }
    CHECK(counts[0] <= counts[1] + 1);
    CHECK(counts[0] * size > (std::size_t{4} << 20) * 9 / 10);
    for (const HeapFault& fault : heap.faults.seen) {
        WARN(to_string(fault.kind) << " " << fault.address);
    }
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("small heaps have blocks only", "[heap_cache]") {
    HeapBench heap(64 << 10);
    std::vector<std::byte*> blocks;
    for (const std::size_t size : std::initializer_list<std::size_t>{1, 32, 500, 4000})
        blocks.push_back(take(heap, size));
    for (std::byte* block : blocks)
        heap.cache.give(block);
    CHECK(heap.core.statistics().cached == 0);
    CHECK(heap.core.check());
    std::size_t count = 0;
    while (heap.cache.take(48) != nullptr)
        ++count;
    CHECK(count > 900);  // 64 bytes each
}

TEST_CASE("mistakes of the user are reported and do no harm", "[heap_cache]") {
    const std::size_t size = GENERATE(24u, 500u, 600u, 3000u, 10'000u, 100'000u, 500'000u);
    INFO("size " << size);
    HeapBench heap;
    std::byte* const block = take(heap, size);
    std::byte* const other = take(heap, size);
    std::memset(block, 0, size);

    std::uint64_t outside[2]{};
    heap.cache.give(reinterpret_cast<std::byte*>(outside));
    CHECK(heap.faults.only() == HeapFaultKind::foreign_pointer);
    for (const std::size_t offset : std::initializer_list<std::size_t>{1, 8, 16}) {
        heap.cache.give(block + offset);
        const auto kind = heap.faults.only();
        CHECK((kind == HeapFaultKind::invalid_pointer || kind == HeapFaultKind::corrupt_header));
    }
    heap.cache.deallocate(block, {.size = size + 5000});
    CHECK(heap.faults.only() == HeapFaultKind::wrong_size);
    heap.cache.give(block);
    for (const HeapFault& fault : heap.faults.seen) {
        WARN(to_string(fault.kind) << " " << fault.address);
    }
    CHECK(heap.faults.seen.empty());
    heap.cache.give(block);
    CHECK(heap.faults.only() == HeapFaultKind::double_free);
    heap.cache.flush();
    heap.cache.give(block);
    const auto kind = heap.faults.only();
    CHECK((kind == HeapFaultKind::double_free || kind == HeapFaultKind::invalid_pointer ||
           kind == HeapFaultKind::foreign_pointer));
    heap.cache.give(other);
    CHECK(heap.core.check());
    for (const HeapFault& fault : heap.faults.seen) {
        WARN(to_string(fault.kind) << " " << fault.address);
    }
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("a write to a free block is seen when it is handed out", "[heap_cache]") {
    const std::size_t size = GENERATE(24u, 500u, 600u, 3000u);
    HeapBench heap;
    std::byte* const block = take(heap, size);
    heap.cache.give(block);
    std::memset(block, 0xee, 16);
    std::byte* const next = heap.cache.take(size);
    CHECK(next != nullptr);
    CHECK(next != block);
    CHECK(heap.faults.only() == HeapFaultKind::use_after_free);
}

TEST_CASE("what a stale canary says of new blocks is nothing", "[heap_cache]") {
    // Slots that were free become pages, the pages blocks: none of those is free already.
    HeapBench heap(std::size_t{2} << 20);
    std::vector<std::byte*> blocks;
    while (std::byte* const block = heap.cache.take(64))
        blocks.push_back(block);
    for (std::byte* block : blocks)
        heap.cache.give(block);
    blocks.clear();
    while (std::byte* const block = heap.cache.take(1200))
        blocks.push_back(block);
    for (std::byte* block : blocks)
        heap.cache.give(block);
    for (const HeapFault& fault : heap.faults.seen) {
        WARN(to_string(fault.kind) << " " << fault.address);
    }
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("a block that looks like a free one is told apart", "[heap_cache]") {
    // As when a program copies a struct whose first word it has not set yet.
    HeapBench heap;
    std::byte* const freed = take(heap, 48);
    std::byte* const block = take(heap, 48);
    heap.cache.give(freed);
    std::memcpy(block, freed, 48);
    heap.cache.give(block);
    CHECK(heap.faults.seen.empty());
    for (const bool flushed : {false, true}) {
        if (flushed) heap.cache.flush();
        for (std::byte* each : {block, freed}) {
            heap.cache.give(each);
            CHECK(heap.faults.only() == HeapFaultKind::double_free);
        }
    }
    HeapCache other(heap.core);
    std::byte* const theirs = other.take(48);
    other.give(theirs);
    heap.cache.give(theirs);
    CHECK(heap.faults.only() == HeapFaultKind::double_free);
    other.close();
    CHECK(heap.core.check());
}

TEST_CASE("blocks grow and shrink where they lie", "[heap_cache]") {
    HeapBench heap;
    std::byte* const slot = take(heap, 40);
    CHECK(heap.cache.try_resize(slot, {40}, 48));
    CHECK_FALSE(heap.cache.try_resize(slot, {48}, 49));
    CHECK_FALSE(heap.cache.try_resize(slot, {48}, 10));
    heap.cache.deallocate(slot, {48});
    std::byte* const block = take(heap, 2000);
    CHECK(heap.cache.try_resize(block, {2000}, 100'000));
    CHECK(heap.cache.usable_size(block) >= 100'000);
    CHECK(heap.cache.try_resize(block, {100'000}, 1200));
    heap.cache.deallocate(block, {1200});
    std::byte* const run = take(heap, 300'000);
    CHECK(heap.cache.try_resize(run, {300'000}, 400'000));
    CHECK(heap.cache.try_resize(run, {400'000}, 10'000));
    CHECK(heap.cache.usable_size(run) == 12'288);
    heap.cache.deallocate(run, {10'000});
    heap.cache.flush();
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.core.check());
    for (const HeapFault& fault : heap.faults.seen) {
        WARN(to_string(fault.kind) << " " << fault.address);
    }
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("a block may be freed by another hart", "[heap_cache]") {
    HeapBench heap;
    HeapCache other(heap.core);
    for (const std::size_t size :
         std::initializer_list<std::size_t>{64, 1000, 1500, 8192, 300'000}) {
        std::vector<std::byte*> blocks;
        for (int i = 0; i < 100 && static_cast<unsigned>(i) * size < (4 << 20); ++i)
            blocks.push_back(take(heap, size));
        for (std::byte* block : blocks)
            other.give(block);
    }
    other.close();
    heap.cache.close();
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.core.check());
    CHECK(other.take(100) != nullptr);  // closed caches still work
    for (const HeapFault& fault : heap.faults.seen) {
        WARN(to_string(fault.kind) << " " << fault.address);
    }
    CHECK(heap.faults.seen.empty());
}

/// The slab that a slot lies in.
std::uintptr_t slab_of(const std::byte* slot) {
    return reinterpret_cast<std::uintptr_t>(slot) / slab_size;
}

TEST_CASE("what two harts allocate in turns lies in slabs of their own", "[heap_cache]") {
    HeapBench heap;
    HeapCache other(heap.core);
    std::array<std::set<std::uintptr_t>, 2> slabs;
    std::array<std::vector<std::byte*>, 2> blocks;
    for (unsigned round = 0; round < 20'000; ++round) {
        const unsigned hart = round % 2;
        auto& own = blocks.at(hart);
        // Far more come and go than their magazines hold.
        if (round % 1000 < 500) {
            own.push_back((hart == 0 ? heap.cache : other).take(48));
            slabs.at(hart).insert(slab_of(own.back()));
        } else {
            (hart == 0 ? heap.cache : other).give(own.back());
            own.pop_back();
        }
    }
    for (const std::uintptr_t slab : slabs[0])
        CHECK_FALSE(slabs[1].contains(slab));
    CHECK(heap.core.check());
}

TEST_CASE("free slots of others are used before memory ends", "[heap_cache]") {
    HeapBench heap(std::size_t{2} << 20);
    HeapCache other(heap.core);
    std::byte* const kept = other.take(64);
    other.flush();
    std::byte* const own = heap.cache.take(64);
    CHECK(slab_of(own) != slab_of(kept));
    std::size_t shared = 0;
    for (std::byte* slot = own; slot != nullptr; slot = heap.cache.take(64))
        shared += slab_of(slot) == slab_of(kept) ? 1 : 0;
    CHECK(shared == slots_per_slab(4) - 1);
    CHECK(heap.core.check());
}

TEST_CASE("what a closed cache leaves behind is used first", "[heap_cache]") {
    HeapBench heap;
    std::byte* kept = nullptr;
    {
        HeapCache other(heap.core);
        kept = other.take(64);
        other.close();
    }
    CHECK(slab_of(heap.cache.take(64)) == slab_of(kept));
}

TEST_CASE("more harts than owners of slabs share them", "[heap_cache]") {
    HeapBench heap;
    std::vector<std::unique_ptr<HeapCache>> caches;
    std::vector<std::byte*> blocks;
    for (int i = 0; i < 100; ++i) {
        caches.push_back(std::make_unique<HeapCache>(heap.core));
        blocks.push_back(caches.back()->take(64));
    }
    for (std::byte* block : blocks)
        caches.front()->give(block);
    for (const auto& cache : caches)
        cache->close();
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("a request that finds no memory takes little from the cache", "[heap_cache]") {
    HeapBench heap;
    std::vector<std::byte*> blocks;
    while (std::byte* const block = heap.cache.take(1500))
        blocks.push_back(block);
    for (std::size_t i = 0; i < 24; ++i)
        heap.cache.give(blocks[i * 3]);
    REQUIRE(heap.cache.cached_bytes() >= std::size_t{24} * 1500);
    CHECK(heap.cache.take(1200) != nullptr);
    CHECK(heap.cache.cached_bytes() >= std::size_t{8} * 1500);
    CHECK(heap.cache.take(1500) != nullptr);
}

TEST_CASE("before it fails the heap asks for memory back", "[heap_cache]") {
    HeapBench heap(std::size_t{2} << 20);
    struct Hoard {
        HeapBench& heap;
        std::vector<std::byte*> blocks;
        static bool give(void* self, std::size_t) {
            auto& hoard = *static_cast<Hoard*>(self);
            if (hoard.blocks.empty()) return false;
            hoard.heap.cache.give(hoard.blocks.back());
            hoard.blocks.pop_back();
            return true;
        }
    } hoard{heap, {}};
    for (int i = 0; i < 10; ++i)
        hoard.blocks.push_back(take(heap, 100'000));
    while (heap.cache.take(100'000) != nullptr) {
    }
    heap.core.set_reclaimer({&Hoard::give, &hoard});
    CHECK(heap.cache.take(100'000) != nullptr);
    CHECK(hoard.blocks.size() == 9);
    CHECK(heap.cache.take(std::size_t{1} << 30) == nullptr);
    CHECK(hoard.blocks.empty());
}

/// Random requests against a model: contents are kept, and nothing overlaps.
void churn(HeapBench& heap, unsigned seed, std::size_t largest, int steps) {
    std::mt19937 random(seed);
    std::array<HeapCache*, 2> caches{&heap.cache, nullptr};
    HeapCache second(heap.core);
    caches[1] = &second;
    struct Block {
        std::byte* at;
        Layout layout;
        std::byte fill;
    };
    std::vector<Block> blocks;
    const auto good = [](const Block& block, std::size_t size) {
        return size == 0 || (block.at[0] == block.fill && block.at[size - 1] == block.fill &&
                             block.at[size / 2] == block.fill);
    };
    for (int step = 0; step < steps; ++step) {
        auto& cache = *caches[random() % 2];
        const auto action = random() % 8;
        if (action < 4 || blocks.empty()) {
            const std::size_t bound = std::size_t{1} << random() % 20;
            const Layout layout{random() % std::min(bound, largest),
                                std::size_t{1} << (random() % 8 == 0 ? random() % 14 : 4)};
            const auto at = cache.allocate(layout);
            if (!at) continue;
            const Block block{*at, layout, static_cast<std::byte>(random())};
            REQUIRE(reinterpret_cast<std::uintptr_t>(*at) % layout.alignment == 0);
            std::memset(block.at, static_cast<int>(block.fill), layout.size);
            blocks.push_back(block);
            continue;
        }
        const std::size_t index = random() % blocks.size();
        Block& block = blocks[index];
        REQUIRE(good(block, block.layout.size));
        if (action == 7) {
            const std::size_t size = random() % (2 * block.layout.size + 1);
            if (cache.try_resize(block.at, block.layout, size)) {
                REQUIRE(good(block, 0));
                std::memset(block.at, static_cast<int>(block.fill), size);
                block.layout.size = size;
            }
            continue;
        }
        if (action == 6) {
            cache.deallocate(block.at);
        } else {
            cache.deallocate(block.at, block.layout);
        }
        block = blocks.back();
        blocks.pop_back();
        if (step % 1024 == 0) REQUIRE(heap.core.check());
    }
    for (const Block& block : blocks)
        heap.cache.deallocate(block.at, block.layout);
    second.close();
    heap.cache.flush();
    CHECK(heap.core.check());
    CHECK(heap.core.statistics().live == 0);
    for (const HeapFault& fault : heap.faults.seen) {
        WARN(to_string(fault.kind) << " " << fault.address);
    }
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("random use keeps blocks apart and gives everything back", "[heap_cache]") {
    const unsigned seed = GENERATE(1u, 2u, 3u);
    const std::size_t largest = GENERATE(600u, 40'000u, 1'000'000u);
    const std::size_t window = GENERATE(std::size_t{256} << 10, std::size_t{16} << 20);
    INFO("seed " << seed << ", largest " << largest << ", window " << window);
    HeapBench heap(window);
    churn(heap, seed, largest, 20'000);
}

TEST_CASE("a cache may begin with what another allocated", "[heap_cache]") {
    const std::size_t size = GENERATE(24u, 1000u, 8000u, 30'000u, 100'000u, 300'000u);
    const std::size_t alignment = GENERATE(16u, 4096u);
    HeapBench heap;
    std::byte* const block = heap.cache.take(size, alignment);
    REQUIRE(block != nullptr);
    HeapCache other(heap.core);
    other.give(block);
    CHECK(other.take(size, alignment) != nullptr);
    other.close();
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("no size is too large to be refused, whatever the magazines hold", "[heap_cache]") {
    test::HeapBench heap;
    for (const std::size_t size : {48u, 1000u, 2000u, 4200u, 60'000u}) {
        for (std::size_t less = 0; less < 3 * heap_page; ++less) {
            heap.cache.give(heap.cache.take(size));  // a refused request empties the cache
            REQUIRE(heap.cache.take(SIZE_MAX - less) == nullptr);
        }
    }
    CHECK(heap.faults.seen.empty());
}

}  // namespace
}  // namespace cairn
