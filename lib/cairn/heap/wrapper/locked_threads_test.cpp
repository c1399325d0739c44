// SPDX-License-Identifier: MIT
// Real threads on allocators that have no lock of their own.
#include <algorithm>
#include <array>
#include <latch>
#include <thread>
#include <vector>

#include "cairn/block_pool.hpp"
#include "cairn/locked.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("Threads share a locked pool", "[locked_threads]") {
    constexpr std::size_t threads = 4;
    constexpr std::size_t size = 48;
    static std::array<std::byte, threads * 8 * (size + 4) + 16> memory{};
    Locked<BlockPool> pool(std::in_place, "shared");
    REQUIRE(pool.with([](BlockPool& inside) {
        return inside.init({memory.data(), memory.size()}, {size, 16}).has_value();
    }));
    std::latch start(threads);
    std::array<bool, threads> right{};
    std::array<std::thread, threads> workers;
    for (std::size_t id = 0; id < threads; ++id) {
        workers[id] = std::thread([&pool, &start, &ok = right[id], id] {
            const auto mine = static_cast<std::byte>(id + 1);
            std::vector<std::byte*> blocks;
            ok = true;
            start.arrive_and_wait();
            for (int i = 0; i < 5000; ++i) {
                if (blocks.size() < 12 && i % 3 != 0) {
                    const auto block = pool.allocate({size, 16});
                    if (!block) continue;
                    std::fill_n(*block, size, mine);
                    blocks.push_back(*block);
                } else if (!blocks.empty()) {
                    std::byte* const block = blocks.back();
                    blocks.pop_back();
                    ok = ok && std::all_of(block, block + size,
                                           [=](std::byte byte) { return byte == mine; });
                    pool.deallocate(block, {size, 16});
                }
            }
            for (std::byte* const block : blocks)
                pool.deallocate(block);
        });
    }
    for (auto& worker : workers)
        worker.join();
    CHECK(std::ranges::all_of(right, [](bool ok) { return ok; }));
    CHECK(pool.with([](const BlockPool& inside) { return inside.used(); }) == 0);
}
