// SPDX-License-Identifier: MIT
// The default heap on Windows: links lib/cairn/heap/new.cpp, so every `new` comes from what
// VirtualAlloc gave, in two threads.
#include <pthread.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <cairn/global_heap.hpp>
#include <cairn/host_region.hpp>

namespace {

using namespace cairn;

/// Whether all blocks of many sizes came from the heap and kept their contents.
bool churn() {
    std::map<std::size_t, std::string> kept;
    for (std::size_t i = 0; i < 20'000; ++i) {
        const std::size_t key = i * 7919 % 1000;
        kept[key] = std::string(i * 31 % 700 + 16, static_cast<char>('a' + key % 26));
        if (!global_heap().owns(kept[key].data())) return false;
    }
    for (const auto& [key, text] : kept) {
        if (text.find_first_not_of(static_cast<char>('a' + key % 26)) != text.npos) return false;
    }
    return global_heap().owns(std::make_unique<std::vector<int>>(100'000)->data());
}

/// pthread_create's form of it: nullptr for no.
void* churn_in_thread(void* yes) {
    return churn() ? yes : nullptr;
}

}  // namespace

int main() {
    const auto region = platform_init_heap();
    const bool has_heap =
        region && global_break().init(*region) && global_heap().init("windows").has_value();
    int yes = 0;
    void* result = nullptr;
    pthread_t thread{};
    const bool is_sound = has_heap &&
                          pthread_create(&thread, nullptr, churn_in_thread, &yes) == 0 && churn() &&
                          pthread_join(thread, &result) == 0 && result == &yes;
    std::printf("%s\n", is_sound ? "all as it should be" : "failed");
    return is_sound ? 0 : 1;
}
