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
                if (found != nullptr && *found != good) is_bad = true;
            }
        });
    }
    for (std::size_t n = 0; n + 1 < room.size(); ++n) {
        shared = nullptr;
        readers.restart();
        while (!readers.all_have_ended())
            std::this_thread::yield();
        room[n] = 0;  // a plain write: TSan sees a reader that is still there
        shared = &room[n + 1];
    }
    over = true;
    threads.clear();
    CHECK_FALSE(is_bad);
}

}  // namespace
}  // namespace cairn
