// SPDX-License-Identifier: MIT
// Threads on one malloc, in shapes that are public: what one allocates, another frees. The malloc
// is the C library's, or what LD_PRELOAD puts in its place; tests/malloc/measure_threads.py runs
// it.
//
//     heap_threads handover THREADS SECONDS     half of the threads allocate batches of 4096 blocks
//                                               of 8 to 512 bytes, half free them (C. Lever's and
//                                               D. Boreham's xmalloc-test)
//     heap_threads server THREADS SECONDS       each thread replaces random ones of its 5000 blocks
//                                               of 8 to 1000 bytes; after 500,000 it hands them to
//                                               a thread that it starts, and ends (P. Larson's
//                                               server)
//     heap_threads local THREADS SECONDS        each thread replaces blocks of 16 to 256 bytes that
//                                               nobody else sees
//     heap_threads lines                        the share of two threads' live blocks of 16 to 256
//                                               bytes that lie on a line with the other's
//
// Prints "figure NAME VALUE": calls of malloc per microsecond, or percent.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "tests/bench/trace.hpp"

namespace {

using cairn::bench::Random;
using Clock = std::chrono::steady_clock;

std::atomic<bool> over = false;
std::atomic<std::uint64_t> calls = 0;

void* take(std::size_t size) {
    void* const block = std::malloc(size);
    if (block == nullptr) std::abort();
    *static_cast<std::size_t*>(block) = size;
    return block;
}

// --- handover ------------------------------------------------------------------------------------

struct Batch {
    std::array<void*, 4096> blocks;
    Batch* next = nullptr;
};

/// Batches on their way; as many as are allowed, so that a slow consumer holds producers up.
class Belt {
  public:
    void put(Batch* batch) {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [&] { return count_ < most || over; });
        batch->next = first_;
        first_ = batch;
        ++count_;
        changed_.notify_all();
    }
    /// nullptr when it is over.
    Batch* get() {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [&] { return count_ != 0 || over; });
        if (first_ == nullptr) return nullptr;
        Batch* const batch = first_;
        first_ = batch->next;
        --count_;
        changed_.notify_all();
        return batch;
    }
    void end() {
        const std::lock_guard guard(mutex_);
        over = true;
        changed_.notify_all();
    }

  private:
    static constexpr unsigned most = 16;
    std::mutex mutex_;
    std::condition_variable changed_;
    Batch* first_ = nullptr;
    unsigned count_ = 0;
};

Belt belt;

std::size_t handed_size(Random& random) {
    constexpr std::array<std::size_t, 14> sizes{8,  12,  16,  24,  32,  48,  64,
                                                96, 128, 192, 256, 384, 448, 512};
    return sizes.at(random.below(sizes.size()));
}

void produce(std::uint64_t seed) {
    Random random(seed);
    while (!over) {
        auto* const batch = static_cast<Batch*>(std::malloc(sizeof(Batch)));
        for (void*& block : batch->blocks)
            block = take(handed_size(random));
        belt.put(batch);
        calls += batch->blocks.size();
    }
}

void consume(std::uint64_t /*seed*/) {
    while (Batch* const batch = belt.get()) {
        for (void* const block : batch->blocks)
            std::free(block);
        std::free(batch);
    }
}

// --- server --------------------------------------------------------------------------------------

std::atomic<unsigned> servers = 0;

void replace(std::vector<void*>& blocks, Random& random, std::size_t least, std::size_t most,
             unsigned times) {
    for (unsigned i = 0; i < times; ++i) {
        void*& block = blocks[random.below(static_cast<std::uint32_t>(blocks.size()))];
        std::free(block);
        block = take(least + random.below(static_cast<std::uint32_t>(most - least + 1)));
    }
    calls += times;
}

void serve(std::vector<void*>* blocks, std::uint64_t seed) {
    Random random(seed);
    for (unsigned i = 0; i < 500 && !over; ++i)
        replace(*blocks, random, 8, 1000, 1000);
    if (over) {
        --servers;
    } else {
        std::thread(serve, blocks, random.next()).detach();
    }
}

void start_server(std::uint64_t seed) {
    ++servers;
    serve(new std::vector<void*>(5000), seed);
}

// --- local ---------------------------------------------------------------------------------------

void churn(std::uint64_t seed) {
    Random random(seed);
    std::vector<void*> blocks(1000);
    while (!over)
        replace(blocks, random, 16, 256, 1000);
}

/// Two threads in turns of 100 replacements, so that both have live blocks of all ages.
void print_shared_lines() {
    std::array<std::vector<void*>, 2> blocks{std::vector<void*>(1000), std::vector<void*>(1000)};
    std::atomic<unsigned> turn = 0;
    constexpr unsigned turns = 2000;
    const auto run = [&](unsigned own) {
        Random random(own + 1);
        for (unsigned i = own; i < turns; i += 2) {
            while (turn != i)
                std::this_thread::yield();
            replace(blocks.at(own), random, 16, 256, 100);
            ++turn;
        }
        while (turn != turns)
            std::this_thread::yield();
    };
    std::thread other(run, 1);
    run(0);
    other.join();
    std::unordered_map<std::uintptr_t, unsigned> lines;
    const auto each_line = [](void* block, auto visit) {
        const auto start = reinterpret_cast<std::uintptr_t>(block);
        if (block == nullptr) return;
        const std::size_t size = *static_cast<std::size_t*>(block);
        for (std::uintptr_t line = start / 64; line <= (start + size - 1) / 64; ++line)
            visit(line);
    };
    for (unsigned owner = 0; owner < 2; ++owner) {
        for (void* const block : blocks.at(owner))
            each_line(block, [&](std::uintptr_t line) { lines[line] |= 1U << owner; });
    }
    double shared = 0;
    double all = 0;
    for (const auto& own : blocks) {
        for (void* const block : own) {
            bool is_shared = false;
            each_line(block, [&](std::uintptr_t line) { is_shared |= lines[line] == 3; });
            shared += is_shared ? 1 : 0;
            all += block != nullptr ? 1 : 0;
        }
    }
    std::printf("figure shared-lines %.1f\n", shared * 100 / all);
}

// --- all of them ---------------------------------------------------------------------------------

int run(std::string_view mode, unsigned count, double seconds) {
    std::vector<std::thread> threads;
    const auto start = Clock::now();
    for (unsigned i = 0; i < count; ++i) {
        if (mode == "handover") threads.emplace_back(i % 2 == 0 ? produce : consume, i);
        if (mode == "server") threads.emplace_back(start_server, i);
        if (mode == "local") threads.emplace_back(churn, i);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    const std::uint64_t done = calls;
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    belt.end();
    for (std::thread& thread : threads)
        thread.join();
    while (servers != 0)
        std::this_thread::yield();
    std::printf("figure calls %.3f\n", static_cast<double>(done) / took.count());
    return threads.empty() ? 2 : 0;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view mode = count > 1 ? arguments[1] : "";
    if (mode == "lines") return print_shared_lines(), 0;
    if (count < 4) return 2;
    return run(mode, static_cast<unsigned>(std::atoi(arguments[2])), std::atof(arguments[3]));
}
