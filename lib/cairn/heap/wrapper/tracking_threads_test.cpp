// SPDX-License-Identifier: MIT
// Real threads with owners of their own, and one list through all of their blocks.
#include <array>
#include <cstring>
#include <latch>
#include <thread>
#include <vector>

#include "cairn/locked.hpp"
#include "cairn/tracking.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;

TEST_CASE("Threads enter and leave one ledger", "[tracking_threads]") {
    constexpr std::size_t threads = 4;
    Locked<tests::ModelHeap> heap(std::in_place);
    BlockLedger ledger("shared");  // a fault would panic
    std::latch start(threads);
    std::array<std::thread, threads> workers;
    for (std::size_t id = 0; id < threads; ++id) {
        workers[id] = std::thread([&, id] {
            Tracking owner(heap, ledger, "thread");
            std::vector<std::byte*> blocks;
            start.arrive_and_wait();
            for (std::size_t i = 0; i < 2000; ++i) {
                const std::size_t size = 16 + id;
                if (i % 5 < 3) {
                    blocks.push_back(owner.allocate({size}).value());
                    std::memset(blocks.back(), 0xff, size);
                } else if (i % 5 == 3 && owner.try_resize(blocks.back(), {size}, size + 1)) {
                    owner.deallocate(blocks.back(), {size + 1});
                    blocks.pop_back();
                } else {
                    owner.deallocate(blocks[i % blocks.size()]);
                    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i % blocks.size()));
                }
            }
            for (std::byte* const block : blocks)
                owner.deallocate(block);
        });
    }
    for (auto& worker : workers)
        worker.join();
    CHECK(ledger.counts().live_blocks == 0);
    CHECK(ledger.counts().ever_blocks == threads * 1200);
    CHECK(heap.with([](tests::ModelHeap& inside) { return inside.errors(); }) == 0);
}
