// SPDX-License-Identifier: MIT
// Real threads, for ThreadSanitizer: it reports a data race as soon as the lock lets two in, or
// orders nothing, whether or not a count comes out wrong.
#include <array>
#include <latch>
#include <thread>

#include "cairn/spinlock.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr int threads = 4;
constexpr int rounds = 2000;

/// Runs `body` in `threads` threads, which start together.
template <class Body>
void in_parallel(Body body) {
    std::array<std::thread, threads> workers;
    for (auto& worker : workers)
        worker = std::thread(body);
    for (auto& worker : workers)
        worker.join();
}

}  // namespace

TEST_CASE("Spinlock excludes", "[spinlock_threads]") {
    Spinlock lock;
    long plain = 0;  // guarded by `lock`, by hand
    in_parallel([&] {
        for (int i = 0; i < rounds; ++i) {
            const SpinGuard guard(lock);
            ++plain;
        }
    });
    CHECK(plain == threads * rounds);
    CHECK_FALSE(lock.is_locked());
}

TEST_CASE("try_lock excludes too", "[spinlock_threads]") {
    Spinlock lock;
    long plain = 0;
    in_parallel([&] {
        for (int done = 0; done < rounds;) {
            if (!lock.try_lock()) {
                std::this_thread::yield();
                continue;
            }
            ++plain;
            ++done;
            lock.unlock();
        }
    });
    CHECK(plain == threads * rounds);
}

TEST_CASE("Guarded excludes through every way in", "[spinlock_threads]") {
    Guarded<std::array<long, 2>> pair;
    in_parallel([&] {
        for (int i = 0; i < rounds; ++i) {
            pair.with([](std::array<long, 2>& value) {
                ++value[0];
                ++value[1];
            });
            const auto access = pair.lock();
            if ((*access)[0] != (*access)[1]) (*access)[0] = -1'000'000;
            if (i % 16 == 0) std::this_thread::yield();
        }
    });
    const auto last = pair.with([](const std::array<long, 2>& value) { return value; });
    CHECK(last[0] == threads * rounds);
    CHECK(last[1] == threads * rounds);
}
