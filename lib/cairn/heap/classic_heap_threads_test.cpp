// SPDX-License-Identifier: MIT
// Real threads, for ThreadSanitizer: blocks of one heap that several threads take, write, resize
// and give back.
#include <algorithm>
#include <array>
#include <latch>
#include <thread>
#include <vector>

#include "cairn/classic_heap.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::size_t threads = 4;
constexpr unsigned rounds = 2000;

struct Taken {
    std::byte* at;
    std::size_t size;
};

/// What one thread does; how often a block did not have its own contents.
template <class Heap>
unsigned churn(Heap& heap, std::size_t id) {
    std::vector<Taken> mine;
    unsigned wrong = 0;
    const auto own = static_cast<std::byte>(id + 1);
    std::uint32_t random = static_cast<std::uint32_t>(id) * 977 + 1;
    const auto next = [&random](std::uint32_t below) {
        random = random * 1664525 + 1013904223;
        return (random >> 8) % below;
    };
    const auto give_back = [&](std::size_t which) {
        const Taken block = mine[which];
        wrong += !std::all_of(block.at, block.at + block.size,
                              [own](std::byte byte) { return byte == own; });
        heap.deallocate(block.at, {block.size, 1});
        mine[which] = mine.back();
        mine.pop_back();
    };
    for (unsigned i = 0; i < rounds; ++i) {
        if (mine.size() > 20 || (!mine.empty() && next(3) == 0)) {
            give_back(next(static_cast<std::uint32_t>(mine.size())));
            continue;
        }
        std::size_t size = 1 + next(300);
        const auto block = heap.allocate({size, std::size_t{1} << next(8)});
        if (!block) continue;
        if (const std::size_t other = 1 + next(300); heap.try_resize(*block, {size, 1}, other)) {
            size = other;
        }
        std::fill_n(*block, size, own);
        mine.push_back({*block, size});
    }
    while (!mine.empty())
        give_back(0);
    return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("Threads share a classical heap", "[classic_heap_threads]", FirstFit, NextFit,
                   BestFit) {
    alignas(4096) static std::array<std::byte, std::size_t{1} << 20> memory{};
    BumpAllocator source;
    REQUIRE(source.init({memory.data(), memory.size()}).has_value());
    ClassicHeap<TestType> heap(source, {.chunk_size = 4096});
    std::latch start(threads);
    std::array<unsigned, threads> wrong{};
    std::array<std::thread, threads> workers;
    for (std::size_t id = 0; id < threads; ++id) {
        workers[id] = std::thread([&, id] {
            start.arrive_and_wait();
            wrong[id] = churn(heap, id);
        });
    }
    for (auto& worker : workers)
        worker.join();
    CHECK(wrong == std::array<unsigned, threads>{});
    CHECK(heap.check());
    CHECK(heap.statistics().used_blocks == 0);
    CHECK(heap.statistics().free_blocks == heap.statistics().chunks);
}
