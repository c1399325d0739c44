// SPDX-License-Identifier: MIT
// Real threads, for ThreadSanitizer: what threads allocate, pass on and free never overlaps, and
// what needs no lock races with nothing.
#include <algorithm>
#include <array>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "cairn/tlsf_heap.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

using Arena = TlsfArena;

constexpr std::size_t threads = 4;

alignas(4096) std::array<std::byte, std::size_t{4} << 20> memory{};

void panic_hook(void* /*context*/, const HeapFault& fault) {
    FAIL("fault: " << to_string(fault.kind));
}

/// Calls `work(id)` on all threads at once.
template <class Work>
void race(Work work) {
    std::latch start(threads);
    std::array<std::thread, threads> workers;
    for (std::size_t id = 0; id < threads; ++id) {
        workers[id] = std::thread([&, id] {
            start.arrive_and_wait();
            work(id);
        });
    }
    for (auto& worker : workers)
        worker.join();
}

}  // namespace

TEST_CASE("Blocks go from thread to thread", "[tlsf_heap_threads]") {
    BumpAllocator source;
    REQUIRE(source.init({memory.data(), memory.size()}));
    TlsfHeap<> heap;
    REQUIRE(heap.init(source, "test", {.function = &panic_hook}));
    std::array<std::atomic<std::byte*>, 64> shared{};
    std::atomic<unsigned> damaged = 0;
    race([&](std::size_t id) {
        for (std::size_t i = 0; i < 10'000; ++i) {
            const std::size_t size = 1 + (i * 37 + id * 911) % 700;
            std::byte* const block = heap.take(size);
            if (block == nullptr) continue;
            const std::size_t usable = heap.usable_size(block);
            std::fill_n(block, usable, static_cast<std::byte>(usable % 251));
            std::byte* const other = shared[(i * 7 + id) % shared.size()].exchange(block);
            if (other == nullptr) continue;
            const std::size_t length = heap.usable_size(other);
            const auto value = static_cast<std::byte>(length % 251);
            if (!std::all_of(other, other + length, [=](std::byte b) { return b == value; }))
                ++damaged;
            heap.give(other);
        }
    });
    CHECK(damaged == 0);
    for (auto& block : shared)
        heap.give(block.load());
    CHECK(heap.check());
    CHECK(heap.largest_free() == heap.free_bytes());
}

TEST_CASE("A block's user needs no lock for what is its own", "[tlsf_heap_threads]") {
    static Guarded<Arena> guarded;
    const FaultReporter report{.hook = {.function = &panic_hook}, .owner = "test"};
    guarded.with([&](Arena& arena) {
        arena.init(report, {memory.data(), memory.size()}, memory.data());
        REQUIRE(arena.add_chunk(memory.data() + 4096, 65536));
    });
    std::atomic<unsigned> wrong = 0;
    race([&](std::size_t id) {
        std::byte* kept = nullptr;
        for (std::size_t i = 0; i < 5'000; ++i) {
            std::byte* const block =
                guarded.with([&](Arena& arena) { return arena.take(100 + (i + id) % 300); });
            // The neighbours of `kept` come and go meanwhile.
            if (kept != nullptr) {
                const std::size_t size = Arena::usable_size(kept);
                wrong += !Arena::mark_cached(kept);
                wrong += Arena::usable_size(kept) != size;
                if (i % 64 == 0) wrong += !guarded.with([](Arena& arena) { return arena.check(); });
                wrong += !Arena::unmark_cached(kept);
                guarded.with([&](Arena& arena) { arena.give(kept); });
            }
            kept = block;
        }
        if (kept != nullptr) guarded.with([&](Arena& arena) { arena.give(kept); });
    });
    CHECK(wrong == 0);
    guarded.with([&](Arena& arena) {
        CHECK(arena.check());
        CHECK(arena.free_chunk(memory.data() + 4096) == Region{memory.data() + 4096, 65536});
    });
}
