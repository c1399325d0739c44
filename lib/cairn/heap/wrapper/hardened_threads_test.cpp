// SPDX-License-Identifier: MIT
// Real threads on one hardened heap and its quarantine.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <latch>
#include <thread>
#include <vector>

#include "cairn/hardened.hpp"
#include "cairn/locked.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;

namespace {

constexpr std::size_t threads = 4;
using Base = Locked<tests::ModelHeap>;

}  // namespace

TEST_CASE("Threads share a hardened heap", "[hardened_threads]") {
    Base base(std::in_place);
    // A fault would panic.
    Hardened heap(base, "shared", {}, {.quarantine_bytes = 20'000, .look_back = true});
    std::latch start(threads);
    std::array<std::thread, threads> workers;
    for (std::size_t id = 0; id < threads; ++id) {
        workers[id] = std::thread([&heap, &start, id] {
            std::vector<std::byte*> blocks;
            start.arrive_and_wait();
            for (std::size_t i = 0; i < 2000; ++i) {
                const std::size_t size = 16 + id;
                if (i % 5 < 3) {
                    blocks.push_back(heap.allocate({size}).value());
                    std::memset(blocks.back(), 0xff, size);
                    // While others change the list that it is in.
                    (void)heap.find(blocks.front());
                    (void)heap.try_resize(blocks.back(), {size}, size);
                    if (i % 500 == 0) (void)heap.check_all();
                } else {
                    heap.deallocate(blocks[i % blocks.size()], {size});
                    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i % blocks.size()));
                }
            }
            for (std::byte* const block : blocks)
                heap.deallocate(block);
        });
    }
    for (auto& worker : workers)
        worker.join();
    heap.empty_quarantine();
    CHECK(base.with([](tests::ModelHeap& inside) { return inside.blocks().size(); }) == 0);
    CHECK(base.with([](tests::ModelHeap& inside) { return inside.errors(); }) == 0);
}

TEST_CASE("Of threads that free one block, all but one are reported", "[hardened_threads]") {
    Base base(std::in_place);
    std::atomic<unsigned> double_frees{0};
    const FaultHook hook{[](void* count, const HeapFault& fault) {
                             if (fault.kind == HeapFaultKind::double_free) {
                                 ++*static_cast<std::atomic<unsigned>*>(count);
                             }
                         },
                         &double_frees};
    Hardened heap(base, "shared", hook);
    constexpr std::size_t rounds = 200;
    std::array<std::byte*, rounds> blocks{};
    for (auto& block : blocks)
        block = heap.allocate({32}).value();
    std::latch start(threads);
    std::array<std::thread, threads> workers;
    for (auto& worker : workers) {
        worker = std::thread([&] {
            start.arrive_and_wait();
            for (std::byte* const block : blocks)
                heap.deallocate(block, {32});
        });
    }
    for (auto& worker : workers)
        worker.join();
    CHECK(double_frees == rounds * (threads - 1));
    heap.empty_quarantine();
    CHECK(base.with([](tests::ModelHeap& inside) { return inside.blocks().size(); }) == 0);
}
