// SPDX-License-Identifier: MIT
// Operations on a heap, as bytes: take, give, resize, by two caches; and now and then a slot is
// given back that nobody has, free or never handed out; or many slots are handed over. After every
// step the walker finds nothing wrong (now and then where there is a depot, which a walk empties;
// in some vast windows, at the end), and what blocks hold is what was written; what nobody has is
// reported.
#include <cstdlib>
#include <memory>

#include <cairn/heap/general/heap_test_support.hpp>
#include <cairn/heap/store/slot_depot.hpp>

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

/// Gives back another slot of the slab that one of the blocks lies in. If nobody has it, the heap
/// says so.
void give_what_nobody_has(test::HeapBench& heap, HeapCache& cache, const std::vector<Block>& blocks,
                          Input& input) {
    const Block& near = blocks[input.byte() % blocks.size()];
    const auto page = static_cast<std::size_t>(near.at - heap.region.base) / heap_page;
    const unsigned small_class = heap.use_map()[page];
    if (small_class - 1 >= small_classes) return;
    const auto slab = reinterpret_cast<std::uintptr_t>(near.at) & ~(slab_size - 1);
    const std::size_t slot = (input.byte() << 8 | input.byte()) % slots_per_slab(small_class);
    auto* const at = reinterpret_cast<std::byte*>(slab + slot * class_size(small_class));
    for (const Block& block : blocks) {
        if (block.at == at) return;
    }
    cache.give(at);
    require(heap.faults.seen.size() == 1);
    heap.faults.seen.clear();
}

/// More slots of a class than magazines hold go from one cache to the other, which puts them into
/// the depot if there is one, and then from there to the first again.
void hand_over(HeapCache& from, HeapCache& to, Input& input) {
    const std::size_t size = 1 + (input.byte() << 8 | input.byte()) % largest_small;
    std::vector<std::byte*> slots(64 + input.byte());
    for (HeapCache* const cache : {&to, &from}) {
        for (std::size_t i = 0; i < slots.size(); ++i) {
            slots[i] = from.take(size);
            if (slots[i] != nullptr) std::memset(slots[i], static_cast<int>(i & 0xff), size);
        }
        for (std::size_t i = 0; i < slots.size(); ++i) {
            if (slots[i] == nullptr) continue;
            require(slots[i][size - 1] == static_cast<std::byte>(i));
            cache->give(slots[i]);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const unsigned kind = input.byte();
    const bool is_vast = kind == 0xff;
    const bool is_walked = !is_vast || size % 8 == 0;  // where a walk takes long, few are
    test::HeapBench heap(is_vast ? std::size_t{1} << 30 : std::size_t{256 << 10} << (kind % 4));
    static SlotDepot depot;  // 4 MiB, which take long to make
    const bool has_depot = (kind & 0x3c) == 4;
    if (has_depot) heap.core.set_depot(*std::construct_at(&depot));
    HeapCache other(heap.core);
    std::vector<Block> blocks;
    while (!input.is_empty()) {
        const unsigned action = input.byte();
        auto& cache = (action & 1) != 0 ? heap.cache : other;
        if ((action & 0x78) == 0x78 && !blocks.empty()) {
            give_what_nobody_has(heap, cache, blocks, input);
        } else if ((action & 0x78) == 0x70) {
            hand_over(cache, &cache == &other ? heap.cache : other, input);
        } else if ((action & 6) <= 2 || blocks.empty()) {
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
        // A walk empties the depot, so it is not made at each step.
        const bool is_step_walked = !is_vast && (!has_depot || action % 16 == 1);
        require((!is_step_walked || heap.core.check()) && heap.faults.seen.empty());
    }
    for (const Block& block : blocks) {
        require(is_kept(block));
        other.give(block.at);
    }
    other.close();
    heap.cache.close();
    require(!is_walked || heap.core.check());
    require(heap.core.statistics().live == 0 && heap.faults.seen.empty());
    return 0;
}
