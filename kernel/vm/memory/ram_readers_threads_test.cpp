// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>
#include <vector>

#include "kernel/vm/memory/ram_readers.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

TEST_CASE("what was taken away is not touched behind all_have_ended", "[ram_readers_threads]") {
    RamReaders readers;
    std::atomic<std::uint64_t*> shared;
    std::atomic<bool> over = false;
    std::atomic<bool> is_bad = false;
    constexpr std::uint64_t good = 7;
    std::vector<std::uint64_t> room(64, good);
    shared = room.data();
    std::vector<std::jthread> threads;
    for (int n = 0; n < 2; ++n) {
        threads.emplace_back([&] {
            while (!over) {
                const RamHold hold(&readers);
                const std::uint64_t* const found = shared.load();
                for (int look = 0; found != nullptr && look < 50; ++look) {
                    if (*found != good) is_bad = true;
                }
            }
        });
    }
    constexpr std::size_t rounds = 5'000;
    for (std::size_t n = 0; n < rounds; ++n) {
        shared = nullptr;
        readers.restart();
        while (!readers.all_have_ended())
            std::this_thread::yield();
        room[n % room.size()] = 0;  // a plain write: TSan sees a reader that is still there
        std::uint64_t& next = room[(n + 1) % room.size()];
        next = good;
        shared = &next;
        for (int wait = 0; wait < 100; ++wait)
            (void)shared.load();  // so that readers find it
    }
    over = true;
    threads.clear();
    CHECK_FALSE(is_bad);
}

}  // namespace
}  // namespace cairn
