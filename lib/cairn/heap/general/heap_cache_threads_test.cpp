// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "cairn/heap/general/heap_test_support.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Cache = HeapCache;

constexpr int threads = 3;
constexpr std::size_t places = 256;

/// Every thread takes blocks from places that all share, writes them, and puts others there: most
/// blocks are freed by another thread than took them.
void exchange(test::HeapBench& heap, std::vector<std::atomic<std::byte*>>& shared, unsigned seed,
              std::atomic<int>& damaged) {
    Cache cache(heap.core);
    std::mt19937 random(seed);
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t size = 16 + random() % (std::size_t{16} << random() % 12);
        std::byte* const block = cache.take(size);
        if (block != nullptr) {
            std::memset(block, static_cast<int>(size), size);
            std::memcpy(block, &size, sizeof size);
        }
        std::byte* const other = shared[random() % places].exchange(block);
        if (other == nullptr) continue;
        std::size_t length = 0;
        std::memcpy(&length, other, sizeof length);
        if (other[length - 1] != static_cast<std::byte>(length)) ++damaged;
        cache.give(other);
    }
    cache.close();
}

TEST_CASE("threads free each other's blocks", "[heap_cache_threads]") {
    test::HeapBench heap(std::size_t{64} << 20);
    std::vector<std::atomic<std::byte*>> shared(places);
    std::atomic<int> damaged = 0;
    std::vector<std::thread> running;
    for (unsigned seed = 0; seed < threads; ++seed) {
        running.emplace_back([&, seed] { exchange(heap, shared, seed, damaged); });
    }
    for (std::thread& each : running)
        each.join();
    CHECK(damaged == 0);
    for (auto& place : shared)
        heap.cache.give(place.load());
    heap.cache.close();
    CHECK(heap.core.check());
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("slabs are taken apart while threads use their slots", "[heap_cache_threads]") {
    test::HeapBench heap;
    const auto work = [&heap](std::size_t size) {
        Cache cache(heap.core);
        std::vector<std::byte*> slots(size == 240 ? 16'000 : 8'000);
        for (int round = 0; round < 4; ++round) {
            for (std::byte*& slot : slots)
                slot = cache.take(size);
            for (std::size_t i = 0; i < slots.size(); ++i) {
                if (i % 8 != 0) cache.give(std::exchange(slots[i], nullptr));
            }
            cache.flush();
            for (unsigned i = 0; i < 500; ++i)
                cache.give(cache.take(40'000 + i));
            for (std::byte* const slot : slots)
                cache.give(slot);
        }
        cache.close();
    };
    std::thread other(work, 128);
    work(240);
    other.join();
    CHECK(heap.core.check());
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("figures can be read while threads work", "[heap_cache_threads]") {
    test::HeapBench heap;
    std::atomic<bool> done = false;
    std::thread worker([&] {
        Cache cache(heap.core);
        for (int i = 0; i < 20'000; ++i)
            cache.give(cache.take(static_cast<std::size_t>(i % 2000)));
        cache.close();
        done = true;
    });
    while (!done) {
        if (heap.core.statistics().failures != 0) break;
    }
    worker.join();
    CHECK(heap.core.statistics().live == 0);
}

/// Waiting makes it likely alone that they meet; what is seen does not hang on it.
TEST_CASE("a slot is free also while its batch waits for the lock", "[heap_cache_threads]") {
    for (int round = 0; round < 20; ++round) {
        test::HeapBench heap;
        Cache other(heap.core);
        REQUIRE(other.open());
        std::vector<std::byte*> slots(heap_bins::SlotMagazine::most + 1);
        for (std::byte*& slot : slots)
            slot = heap.cache.take(48);
        heap.cache.flush();
        for (std::size_t i = 0; i + 1 < slots.size(); ++i)
            heap.cache.give(slots[i]);
        heap.core.lock();
        std::thread one([&] { heap.cache.give(slots.back()); });  // the magazine was full
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        std::thread two([&] { other.give(slots[slots.size() - 4]); });  // which is free already
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        heap.core.unlock();
        one.join();
        two.join();
        CHECK(heap.faults.only() == HeapFaultKind::double_free);
    }
}

}  // namespace
}  // namespace cairn
