// SPDX-License-Identifier: MIT
// Operations on a heap, as bytes: take, give, resize, by two caches. After every step the walker
// finds nothing wrong, and what blocks hold is what was written.
#include <cstdlib>

#include "lib/heap/heap_test_support.hpp"

namespace {

using namespace cairn;

struct Block {
    std::byte* at;
    Layout layout;
    std::byte fill;
};

class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
    [[nodiscard]] bool is_empty() const { return at_ == end_; }
    unsigned byte() { return is_empty() ? 0 : *at_++; }

  private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

void require(bool condition) {
    if (!condition) std::abort();
}

bool is_kept(const Block& block) {
    const std::size_t size = block.layout.size;
    return size == 0 || (block.at[0] == block.fill && block.at[size - 1] == block.fill);
}

Layout layout_from(Input& input) {
    const unsigned exponent = input.byte();
    return {(std::size_t{input.byte()} << 8 | input.byte()) >> (exponent & 15) << (exponent >> 6),
            std::size_t{1} << (input.byte() % 14)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    test::HeapBench<> heap(std::size_t{256 << 10} << (input.byte() % 4));
    HeapCache<Checks::basic> other(heap.core);
    std::vector<Block> blocks;
    while (!input.is_empty()) {
        const unsigned action = input.byte();
        auto& cache = (action & 1) != 0 ? heap.cache : other;
        if ((action & 6) <= 2 || blocks.empty()) {
            const Layout layout = layout_from(input);
            const auto at = cache.allocate(layout);
            if (!at) continue;
            require(reinterpret_cast<std::uintptr_t>(*at) % layout.alignment == 0);
            blocks.push_back({*at, layout, static_cast<std::byte>(action)});
            std::memset(*at, static_cast<int>(action & 0xff), layout.size);
        } else {
            Block& block = blocks[input.byte() % blocks.size()];
            require(is_kept(block));
            if ((action & 6) == 4) {
                const std::size_t length = layout_from(input).size;
                if (!cache.try_resize(block.at, block.layout, length)) continue;
                std::memset(block.at, static_cast<int>(block.fill), length);
                block.layout.size = length;
            } else {
                cache.deallocate(block.at, block.layout);
                block = blocks.back();
                blocks.pop_back();
            }
        }
        require(heap.core.check() && heap.faults.seen.empty());
    }
    for (const Block& block : blocks) {
        require(is_kept(block));
        other.give(block.at);
    }
    other.close();
    heap.cache.close();
    require(heap.core.check() && heap.core.statistics().live == 0 && heap.faults.seen.empty());
    return 0;
}
