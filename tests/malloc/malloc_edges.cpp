// SPDX-License-Identifier: MIT
// Does one thing that programs may do, by its name, and that is hard on a heap.
#include <malloc.h>
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/malloc/expect.hpp"

namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

bool is_filled(const void* block, std::size_t size, unsigned char value) {
    const auto* const bytes = static_cast<const unsigned char*>(block);
    for (std::size_t i = 0; i < size; ++i)
        if (bytes[i] != value) return false;
    return true;
}

void use_up_quarantine() {
    for (int i = 0; i < 1100; ++i)
        std::free(std::malloc(100));
}

/// `down_to` differs in whether what is left ends before the page that the block begins in.
void halve() {
    for (const std::size_t down_to : {33'000U, 1056U, 66U, 1U}) {
        std::size_t size = 66 * kib;
        void* block = std::memset(std::malloc(size), 5, size);
        while (size > down_to) {
            size /= 2;
            block = std::realloc(block, size);
            EXPECT(is_filled(block, size, 5));
        }
        std::free(block);
        use_up_quarantine();
    }
}

void shrink_bit_by_bit() {
    std::size_t size = 300 * kib;
    void* block = std::memset(std::malloc(size), 6, size);
    for (; size > 3000; size -= 3000) {
        block = std::realloc(block, size);
        EXPECT(is_filled(block, size, 6));
        std::free(std::malloc(100));
    }
    std::free(block);
    use_up_quarantine();
}

/// What is cut off is given back, not written to.
void halve_untouched() {
    const std::size_t before = resident_size();
    void* block = std::calloc(64, mib);
    block = std::realloc(block, 40 * mib);
    EXPECT(resident_size() < before + 4 * mib);
    std::free(block);
}

/// The rest of the window is in no dump.
void keep_dumps_small() {
    std::free(std::malloc(300 * kib));
    std::FILE* const file = std::fopen("/proc/self/smaps", "r");
    char line[512];
    std::size_t size = 0;
    std::size_t dumped = 0;  // in KiB
    while (std::fgets(line, sizeof(line), file) != nullptr) {
        std::sscanf(line, "Size: %zu kB", &size);
        const std::string_view text = line;
        if (text.starts_with("VmFlags:") && !text.contains(" dd")) dumped += size;
    }
    std::fclose(file);
    EXPECT(dumped < mib);
}

bool forks_well() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    int status = 1;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

void use_heap() {
    std::free(std::malloc(100));
}

constexpr std::string_view early = "fork_with_early_handlers";

/// Before any constructor.
void ask_early(int argc, char** arguments) {
    if (argc != 2 || early != arguments[1]) return;
    use_heap();
    ::pthread_atfork(use_heap, use_heap, use_heap);
}
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_all)(int, char**) = ask_early;

void fork_with_early_handlers() {
    EXPECT(forks_well());
}

volatile std::sig_atomic_t forks = 0;

/// Wherever the only thread is, in the heap too.
void fork_in_handler() {
    std::signal(SIGPROF, [](int) {
        if (forks_well()) forks = forks + 1;
    });
    const itimerval often{.it_interval = {0, 1000}, .it_value = {0, 1000}};
    ::setitimer(ITIMER_PROF, &often, nullptr);
    void* blocks[100] = {};
    while (forks < 100) {
        for (void*& block : blocks) {
            std::free(block);
            block = std::malloc(600 * kib);
        }
    }
    std::signal(SIGPROF, SIG_IGN);
}

/// The kernel has 65,530 mappings for a process, threads want some of them.
void start_thread_beside_many_blocks() {
    constexpr int count = 40'000;
    for (int i = 0; i < count; ++i)
        EXPECT(std::malloc(64 * kib) != nullptr);
    pthread_t thread{};
    EXPECT(
        ::pthread_create(&thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr) == 0);
    ::pthread_join(thread, nullptr);
}

/// The ground around it is not touched, either.
void align_to_much() {
    const std::size_t before = resident_size();
    void* blocks[8];
    for (void*& block : blocks)
        block = aligned_alloc(4 * mib, 100);
    EXPECT(resident_size() < before + 2 * mib);
    for (void* const block : blocks)
        std::free(block);
}

struct Deed {
    std::string_view name;
    void (*act)();
};
constexpr Deed deeds[] = {
    {"halve", halve},
    {"shrink_bit_by_bit", shrink_bit_by_bit},
    {"halve_untouched", halve_untouched},
    {"keep_dumps_small", keep_dumps_small},
    {"start_thread_beside_many_blocks", start_thread_beside_many_blocks},
    {"align_to_much", align_to_much},
    {early, fork_with_early_handlers},
    {"fork_in_handler", fork_in_handler},
};

}  // namespace

int main(int argc, char** arguments) {
    ::alarm(60);  // what hangs ends
    bool known = false;
    for (const Deed& deed : deeds) {
        if (argc != 2 || deed.name != arguments[1]) continue;
        known = true;
        deed.act();
    }
    return known && failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
