// SPDX-License-Identifier: MIT
// Threads and processes on one heap: blocks that one thread allocates and another frees, threads
// that end, and forks in the middle of all that. Prints the same whatever malloc it runs on.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/malloc/expect.hpp"

namespace {

/// The same numbers everywhere, unlike std::'s distributions.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
    std::size_t below(std::size_t bound) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::size_t>(state_ >> 33) % bound;
    }
    /// Mostly small.
    std::size_t size() {
        constexpr std::size_t bounds[] = {64,  64,   64,   256,    512,    512,
                                          900, 4096, 4096, 40'000, 300'000};
        return below(bounds[below(std::size(bounds))]) + 9;
    }

  private:
    std::uint64_t state_;
};

/// A block that knows its size, all of its bytes alike.
struct Message {
    std::size_t size;

    static Message* make(std::size_t size) {
        void* const block = std::malloc(size);
        if (block == nullptr) std::abort();
        std::memset(block, static_cast<int>(size % 251), size);
        auto* const message = static_cast<Message*>(block);
        message->size = size;
        return message;
    }
    /// What was in it; 0 if it is not as it was made.
    static std::size_t consume(Message* message) {
        const std::size_t size = message->size;
        const auto* const bytes = reinterpret_cast<const unsigned char*>(message);
        const auto wrong = [&](std::size_t at) { return bytes[at] != size % 251; };
        bool whole = true;
        for (std::size_t at = sizeof(Message); at < size; at += 1 + at / 64)
            whole = whole && !wrong(at);
        whole = whole && (size == sizeof(Message) || !wrong(size - 1));
        std::free(message);
        return whole ? size : 0;
    }
};

/// From one thread to another.
class Channel {
  public:
    void send(Message* message) {
        while (sent_.load() - received_.load() == slots_.size())
            std::this_thread::yield();
        slots_[sent_.load() % slots_.size()] = message;
        sent_.fetch_add(1);
    }
    Message* receive() {
        while (received_.load() == sent_.load())
            std::this_thread::yield();
        Message* const message = slots_[received_.load() % slots_.size()];
        received_.fetch_add(1);
        return message;
    }

  private:
    std::array<Message*, 256> slots_{};
    std::atomic<std::size_t> sent_ = 0;
    std::atomic<std::size_t> received_ = 0;
};

/// One thread allocates, the other frees.
void test_remote_frees(int rounds) {
    Channel channel;
    std::thread producer([&] {
        Random random(1);
        for (int i = 0; i < rounds; ++i)
            channel.send(Message::make(random.size()));
    });
    Random random(1);
    std::size_t total = 0;
    for (int i = 0; i < rounds; ++i) {
        const std::size_t size = Message::consume(channel.receive());
        EXPECT(size == random.size());
        total += size;
    }
    producer.join();
    std::printf("%d blocks of %zu bytes in all from one thread to the other\n", rounds, total);
}

/// A little of everything: blocks of all sizes live for a while.
void churn(std::uint64_t seed, int rounds) {
    Random random(seed);
    std::vector<Message*> live(100);
    for (int i = 0; i < rounds; ++i) {
        Message*& slot = live[random.below(live.size())];
        if (slot != nullptr) EXPECT(Message::consume(slot) != 0);
        slot = Message::make(random.size());
    }
    for (Message* message : live) {
        if (message != nullptr) EXPECT(Message::consume(message) != 0);
    }
}

/// What threads have cached must not be lost with them.
void test_thread_ends(int rounds) {
    std::size_t after_some = 0;
    for (int i = 0; i < rounds; ++i) {
        std::thread([&] { churn(static_cast<std::uint64_t>(i % 7), 200); }).join();
        if (i == rounds / 4) after_some = resident_size();
    }
    EXPECT(resident_size() < after_some + (std::size_t{8} << 20));
    std::printf("%d threads came and went\n", rounds);
}

/// The child has a heap of its own that works, whatever other threads did in the parent's.
int child() {
    churn(3, 300);
    std::thread([] { churn(4, 300); }).join();
    test_remote_frees(100);
    std::fflush(stdout);
    return failures == 0 ? 7 : 1;
}

void test_fork(int forks) {
    std::atomic<bool> over = false;
    std::vector<std::thread> threads;
    for (const std::uint64_t seed : {10u, 11u}) {
        threads.emplace_back([&, seed] {
            while (!over)
                churn(seed, 100);
        });
    }
    // Blocks that no cache keeps, so that somebody is always in the middle of it.
    threads.emplace_back([&] {
        while (!over)
            std::free(std::malloc(50'000));
    });
    int good = 0;
    for (int i = 0; i < forks; ++i) {
        std::fflush(stdout);
        const pid_t pid = ::fork();
        if (pid == 0) std::exit(child());
        int status = 0;
        ::waitpid(pid, &status, 0);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 7;
    }
    over = true;
    for (std::thread& thread : threads)
        thread.join();
    EXPECT(good == forks);
    std::printf("%d of %d children of a process with threads did well\n", good, forks);
}

/// The first call of a thread may be any.
void test_first_calls() {
    void* block = std::malloc(100);
    std::memset(block, 5, 100);
    std::thread([&] { block = std::realloc(block, 5000); }).join();
    EXPECT(static_cast<char*>(block)[99] == 5);
    std::thread([&] { std::free(block); }).join();
    std::thread([] { std::free(std::calloc(10, 10)); }).join();
    std::thread([] { std::free(std::aligned_alloc(256, 256)); }).join();
}

}  // namespace

int main() {
    test_first_calls();
    test_remote_frees(20'000);
    test_thread_ends(60);
    test_fork(10);
    if (failures == 0) std::puts("threads and processes: as they should be");
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
