// SPDX-License-Identifier: MIT
// Fills a heap of 8 MiB with blocks of all sizes, frees three quarters of them at random, and
// prints the map of what is left: the example of docs/heap-map.md.
#include <cstdio>
#include <random>
#include <vector>

#include <cairn/heap/general/heap_test_support.hpp>
#include <cairn/writer.hpp>

namespace {

class StandardOutput final : public cairn::Writer {
  public:
    void write(std::string_view text) override { std::fwrite(text.data(), 1, text.size(), stdout); }
};

}  // namespace

int main() {
    cairn::test::HeapBench heap(std::size_t{8} << 20);
    std::mt19937 random(1);
    std::vector<std::byte*> blocks;
    while (true) {
        // Log-uniform: as many requests between 16 and 32 bytes as between 16 and 32 KiB.
        const std::size_t bound = std::size_t{16} << random() % 11;
        std::byte* const block = heap.cache.take(bound + random() % bound);
        if (block == nullptr) break;
        blocks.push_back(block);
    }
    for (std::byte* block : blocks) {
        if (random() % 4 != 0) heap.cache.give(block);
    }
    heap.cache.flush();
    StandardOutput out;
    heap.core.dump(out);
    return heap.core.check() ? 0 : 1;
}
