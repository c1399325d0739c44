// SPDX-License-Identifier: MIT
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "cairn/heap/general/heap_test_support.hpp"
#include "cairn/heap/store/slot_depot.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr std::size_t row = 300;
using Row = std::vector<std::byte*>;

/// Where rows of blocks lie on their way.
using Place = std::atomic<Row*>;

void produce(test::HeapBench& heap, Place& place, unsigned rounds) {
    HeapCache cache(heap.core);
    for (unsigned round = 0; round < rounds; ++round) {
        auto made = std::make_unique<Row>(row);
        for (std::byte*& block : *made) {
            block = cache.take(16 + round % 3 * 100);
            std::memset(block, static_cast<int>(round), 16);
        }
        for (Row* none = nullptr; !place.compare_exchange_weak(none, made.get()); none = nullptr)
            std::this_thread::yield();
        (void)made.release();
        // A new owner now and then, who may get the number of one that left.
        if (round % 64 == 63) cache.close();
        if (round % 64 == 63) std::construct_at(&cache, heap.core);
    }
    cache.close();
}

/// The most that was handed over at once.
std::size_t consume(test::HeapBench& heap, const SlotDepot& depot, std::vector<Place>& places,
                    unsigned rows, unsigned& damaged) {
    HeapCache cache(heap.core);
    std::size_t most = 0;
    for (unsigned done = 0; done < rows;) {
        for (Place& place : places) {
            const std::unique_ptr<Row> got(place.exchange(nullptr));
            if (got == nullptr) continue;
            for (std::byte* const block : *got) {
                if (block[0] != block[15]) ++damaged;
                cache.give(block);
                most = std::max(most, depot.bytes());
            }
            ++done;
        }
        std::this_thread::yield();
    }
    cache.close();
    return most;
}

TEST_CASE("threads hand slots over while others look", "[heap_core_depot_threads]") {
    constexpr unsigned rounds = 200;
    test::HeapBench heap(std::size_t{64} << 20);
    const auto depot = std::make_unique<SlotDepot>();
    heap.core.set_depot(*depot);
    std::vector<Place> places(2);
    std::atomic<bool> done = false;
    unsigned damaged = 0;
    std::vector<std::thread> producers;
    for (Place& place : places)
        producers.emplace_back([&] { produce(heap, place, rounds); });
    std::thread watcher([&] {
        while (!done) {
            if (heap.core.statistics().failures != 0) break;
            (void)depot->bytes();
        }
    });
    const std::size_t most = consume(heap, *depot, places, 2 * rounds, damaged);
    for (std::thread& each : producers)
        each.join();
    done = true;
    watcher.join();
    CHECK(damaged == 0);
    CHECK(most != 0);
    CHECK(heap.core.statistics().live == 0);
    CHECK(depot->bytes() == 0);  // before it is walked, which empties it
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

}  // namespace
}  // namespace cairn
