// SPDX-License-Identifier: MIT
// What a hardened heap knows of all its blocks at once.
#include "cairn/heap/wrapper/hardened_state.hpp"

#include <algorithm>
#include <vector>

#include "cairn/hardened.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/fault_log.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;
using cairn::tests::FaultLog;
using cairn::tests::ModelHeap;

namespace {

constexpr std::byte flip{0x10};

struct Bench {
    ModelHeap base;
    FaultLog log;
    Hardened<ModelHeap> heap;

    explicit Bench(HardenedOptions options = {}) : heap(base, "", log.hook(), options) {}
    std::byte* take(std::size_t size = 100) { return heap.allocate({size}).value(); }
};

/// Pages that are counted, not protected; discarded ones become zero.
struct ZeroPages {
    static constexpr std::size_t page_size = 4096;
    static inline std::size_t discarded = 0;
    static inline bool may = true;
    static bool protect(Region /*pages*/) { return true; }
    static bool unprotect(Region /*pages*/) { return true; }
    static bool discard(Region pages) {
        if (!may) return false;
        discarded += pages.size;
        std::fill(pages.base, pages.base + pages.size, std::byte{});
        return true;
    }
};

}  // namespace

TEST_CASE("Every live block is looked at, and every freed one", "[hardened_state]") {
    Bench b;
    std::vector<std::byte*> blocks;
    for (std::size_t size = 0; size < 9; ++size)
        blocks.push_back(b.take(size * 50));
    for (const std::size_t freed : {0U, 4U, 8U})  // the oldest, one between, the newest
        b.heap.deallocate(blocks[freed]);
    CHECK(b.heap.check_all());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const bool freed = i % 4 == 0;
        blocks[i][i * 50] ^= flip;
        CHECK_FALSE(b.heap.check_all());
        CHECK(
            b.log.took(freed ? HeapFaultKind::use_after_free : HeapFaultKind::overflow, blocks[i]));
        blocks[i][i * 50] ^= flip;
    }
    blocks[5][-20] ^= flip;
    CHECK_FALSE(b.heap.check_all());
    CHECK(b.log.took(HeapFaultKind::corrupt_header, blocks[5]));
    blocks[5][-20] ^= flip;
    for (const std::size_t live : {7U, 1U, 2U, 6U, 3U, 5U})
        b.heap.deallocate(blocks[live]);
    CHECK(b.heap.check_all());
    CHECK(b.log.empty());
}

TEST_CASE("Who looks back sees the last block, and the last one freed", "[hardened_state]") {
    for (const bool look_back : {false, true}) {
        Bench b({.look_back = look_back});
        std::byte* const freed = b.take();
        b.heap.deallocate(freed);
        std::byte* const block = b.take();
        freed[0] ^= flip;
        (void)b.take();
        CHECK(b.log.empty() != look_back);
        if (look_back) CHECK(b.log.took(HeapFaultKind::use_after_free, freed));
        std::byte* const last = b.take();
        last[100] ^= flip;
        (void)b.take();
        if (look_back) CHECK(b.log.took(HeapFaultKind::overflow, last));
        (void)b.take();
        block[100] ^= flip;  // not the last one
        (void)b.take();
        CHECK(b.log.empty());
    }
}

TEST_CASE("A block has its user's mark", "[hardened_state]") {
    Bench b;
    std::byte* const block = b.heap.allocate({100, 8}, 7).value();
    CHECK(b.heap.find(block)->mark == 7);
    CHECK(b.heap.find(block)->layout().alignment == 8);
    CHECK(b.heap.deallocate_marked(block, Layout{100, 8}, 6)->mark == 7);
    b.heap.set_mark(block, 6);
    CHECK(b.heap.check(block));
    CHECK_FALSE(b.heap.deallocate_marked(block, Layout{100, 8}, 6).has_value());
    CHECK_FALSE(b.heap.find(block).has_value());
    CHECK(b.log.empty());
    CHECK_FALSE(b.heap.deallocate_marked(block, std::nullopt, 6).has_value());
    CHECK(b.log.took(HeapFaultKind::double_free, block));
}

TEST_CASE("An address is found in its block's span", "[hardened_state]") {
    Bench b;
    std::byte* const older = b.take();
    std::byte* const freed = b.take();
    (void)b.take();
    b.heap.deallocate(freed);
    for (const int offset : {-60, 0, 99, 110}) {
        CHECK(b.heap.find_around(older + offset)->block == older);
        CHECK_FALSE(b.heap.find_around(older + offset)->freed);
        CHECK(b.heap.find_around(freed + offset)->block == freed);
        CHECK(b.heap.find_around(freed + offset)->freed);
    }
    CHECK(b.heap.find_around(older)->size == 100);
    CHECK_FALSE(b.heap.find_around(&b).has_value());
    CHECK_FALSE(b.heap.find_around(older - 65).has_value());
}

TEST_CASE("Zeros of long blocks come from the platform", "[hardened_state]") {
    for (const bool may : {true, false}) {
        ZeroPages::may = may;
        ModelHeap base;
        FaultLog log;
        Hardened<ModelHeap, ZeroPages> heap(
            base, "", log.hook(), {.guard_from = 4096, .fresh = std::byte{}, .freed = std::byte{}});
        for (const std::size_t size : {4096UL, 4097UL, 20000UL, 65536UL}) {
            ZeroPages::discarded = 0;
            std::byte* const block = heap.allocate({size, 1}).value();
            CHECK(std::all_of(block, block + size,
                              [](std::byte byte) { return byte == std::byte{}; }));
            CHECK(ZeroPages::discarded <= size);
            CHECK(ZeroPages::discarded + 2 * 4096 >= (may ? size : 0));
            CHECK(heap.check(block));
            std::fill(block, block + size, flip);
            heap.deallocate(block);
            CHECK(std::all_of(block, block + size,
                              [](std::byte byte) { return byte == std::byte{}; }));
        }
        CHECK(heap.check_all());
        heap.empty_quarantine();
        CHECK(base.blocks().empty());
        CHECK(log.empty());
    }
}
