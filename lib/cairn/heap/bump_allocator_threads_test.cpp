// SPDX-License-Identifier: MIT
// Real threads, for ThreadSanitizer: blocks handed out to several threads at once never overlap,
// and writing into them races with nothing.
#include <algorithm>
#include <array>
#include <latch>
#include <thread>
#include <vector>

#include "cairn/bump_allocator.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::size_t threads = 4;
constexpr std::size_t blocks_each = 4000;

struct Block {
    std::byte* at;
    std::size_t size;
};

}  // namespace

TEST_CASE("Threads never share a byte", "[bump_allocator_threads]") {
    alignas(4096) static std::array<std::byte, std::size_t{8} << 20> memory{};
    BumpAllocator heap;
    std::latch start(threads);
    std::array<std::vector<Block>, threads> kept;
    std::array<std::thread, threads> workers;
    for (std::size_t id = 0; id < threads; ++id) {
        workers[id] = std::thread([&heap, &start, &mine = kept[id], id] {
            start.arrive_and_wait();
            // Thread 0 brings the region while the others already ask.
            if (id == 0 && !heap.init({memory.data(), memory.size()})) return;
            while (mine.size() < blocks_each) {
                const std::size_t size = 1 + (mine.size() * 37 + id * 11) % 200;
                const auto block = heap.allocate(size, std::size_t{1} << mine.size() % 8);
                if (!block) {
                    std::this_thread::yield();
                    continue;
                }
                std::fill_n(*block, size, static_cast<std::byte>(id + 1));
                // What another thread took in between keeps this one from going back.
                if (mine.size() % 3 == 0 && heap.free_last(*block, size)) {
                    mine.push_back({nullptr, 0});
                    continue;
                }
                mine.push_back({*block, size});
            }
        });
    }
    for (auto& worker : workers)
        worker.join();

    std::vector<Block> all;
    for (std::size_t id = 0; id < threads; ++id) {
        for (const Block& block : kept[id]) {
            if (block.at == nullptr) continue;
            const auto mine = [id](std::byte byte) {
                return byte == static_cast<std::byte>(id + 1);
            };
            REQUIRE(std::all_of(block.at, block.at + block.size, mine));
            REQUIRE(heap.owns(block.at));
            all.push_back(block);
        }
    }
    std::ranges::sort(all, {}, &Block::at);
    for (std::size_t i = 1; i < all.size(); ++i) {
        REQUIRE(all[i - 1].at + all[i - 1].size <= all[i].at);
    }
    CHECK(heap.used() + heap.remaining() == heap.capacity());
    CHECK(heap.high_water() >= heap.used());
}

TEST_CASE("Threads run a heap dry without passing its end", "[bump_allocator_threads]") {
    alignas(4096) static std::array<std::byte, std::size_t{1} << 20> memory{};
    BumpAllocator heap;
    std::latch start(threads);
    REQUIRE(heap.init({memory.data(), memory.size()}).has_value());
    std::array<std::size_t, threads> taken{};
    std::array<std::thread, threads> workers;
    for (std::size_t id = 0; id < threads; ++id) {
        workers[id] = std::thread([&heap, &start, &count = taken[id]] {
            start.arrive_and_wait();
            while (const auto block = heap.allocate(64)) {
                **block = std::byte{1};
                ++count;
            }
        });
    }
    for (auto& worker : workers)
        worker.join();
    std::size_t total = 0;
    for (const std::size_t count : taken)
        total += count;
    CHECK(total == memory.size() / 64);
    CHECK(heap.remaining() == 0);
}
