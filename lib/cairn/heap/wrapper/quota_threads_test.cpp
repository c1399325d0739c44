// SPDX-License-Identifier: MIT
// Real threads on one quota: together they never have more than its limit, and everything that
// comes back counts.
#include <algorithm>
#include <array>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "cairn/bump_allocator.hpp"
#include "cairn/quota.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("Threads share a quota to the byte", "[quota_threads]") {
    constexpr std::size_t threads = 4;
    constexpr std::size_t limit = 64 * 100;
    static std::array<std::byte, std::size_t{8} << 20> memory{};
    BumpAllocator bump;
    REQUIRE(bump.init({memory.data(), memory.size()}).has_value());
    Quota quota(bump, "shared", limit);
    std::atomic<std::size_t> live{0};
    std::atomic<bool> exceeded{false};
    std::latch start(threads);
    std::array<std::thread, threads> workers;
    for (auto& worker : workers) {
        worker = std::thread([&] {
            std::vector<std::byte*> blocks;
            start.arrive_and_wait();
            for (int i = 0; i < 6000; ++i) {
                if (const auto block = i % 3 == 2 ? std::unexpected(AllocError::too_large)
                                                  : quota.allocate({64})) {
                    if (live.fetch_add(64) + 64 > limit) exceeded = true;
                    blocks.push_back(*block);
                } else if (!blocks.empty()) {
                    live.fetch_sub(64);
                    quota.deallocate(blocks.back(), {64});
                    blocks.pop_back();
                }
            }
            for (std::byte* const block : blocks) {
                live.fetch_sub(64);
                quota.deallocate(block, {64});
            }
        });
    }
    for (auto& worker : workers)
        worker.join();
    CHECK_FALSE(exceeded);
    CHECK(quota.account().live() == 0);
    CHECK(quota.account().peak() <= limit);
    CHECK(quota.account().peak() >= 64);
}

TEST_CASE("No reservation and no refund is lost between threads", "[quota_threads]") {
    constexpr std::size_t threads = 4;
    QuotaAccount account("shared", 3);  // one less than there are threads
    std::latch start(threads);
    std::array<std::size_t, threads> admitted{};
    std::array<std::thread, threads> workers;
    for (std::size_t id = 0; id < threads; ++id) {
        workers[id] = std::thread([&account, &start, &mine = admitted[id]] {
            start.arrive_and_wait();
            for (int i = 0; i < 400'000; ++i) {
                if (!account.reserve(1)) continue;
                ++mine;
                account.settle(1, 2);
                account.refund(2);
            }
        });
    }
    for (auto& worker : workers)
        worker.join();
    std::size_t total = 0;
    for (const std::size_t count : admitted)
        total += count;
    CHECK(account.live() == 0);
    CHECK(account.peak() <= 3 + threads);
    CHECK(account.refusals() == threads * 400'000 - total);
}
