// SPDX-License-Identifier: MIT
#include "cairn/hardened.hpp"

#include <rapidcheck.h>
#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <vector>

#include "cairn/allocator.hpp"
#include "cairn/block_pool.hpp"
#include "cairn/bump_allocator.hpp"
#include "cairn/host_guard_pages.hpp"
#include "cairn/host_region.hpp"
#include "cairn/quota.hpp"
#include "cairn/vector.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/fault_log.hpp"
#include "tests/unit/last_words.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;
using cairn::tests::FaultLog;
using cairn::tests::ModelHeap;

namespace {

static_assert(GeneralHeap<Hardened<ModelHeap>>);
static_assert(GeneralHeap<Hardened<ModelHeap, HostGuardPages>>);
static_assert(ByteAllocator<Hardened<BumpAllocator>>);

struct Bench {
    ModelHeap base;
    FaultLog log;
    Hardened<ModelHeap> heap;

    explicit Bench(HardenedOptions options = {}, std::size_t limit = SIZE_MAX)
        : base(limit), heap(base, "kernel", log.hook(), options) {}
    std::string sentence() { return FaultLog::sentence(log.faults().at(0)); }
};

bool holds_only(const std::byte* block, std::size_t size, unsigned value) {
    return std::all_of(block, block + size,
                       [=](std::byte byte) { return byte == static_cast<std::byte>(value); });
}

/// Large blocks of mapped pages, which mprotect may be called for.
struct MappedBench {
    static constexpr std::size_t size = std::size_t{1} << 20;
    Region region = mmap_region(size).value();
    BlockPool pool;
    FaultLog log;
    Hardened<BlockPool, HostGuardPages> heap{pool, "mapped", log.hook(), {.guard_from = 4096}};

    MappedBench() { REQUIRE(pool.init(region, {std::size_t{64} << 10, 4096}).has_value()); }
    MappedBench(const MappedBench&) = delete;
    MappedBench& operator=(const MappedBench&) = delete;
    ~MappedBench() {
        heap.empty_quarantine();
        ::munmap(region.base, region.size);
    }
};

/// Whether `action` is stopped by the machine, silently.
template <class Action>
bool traps(Action action) {
    return last_words([&] {
               ::signal(SIGSEGV, SIG_DFL);
               ::signal(SIGBUS, SIG_DFL);
               action();
           })
        .empty();
}

}  // namespace

TEST_CASE("A hardened heap is a heap", "[hardened]") {
    Bench b;
    {
        vector<int, allocator_ref<int, Hardened<ModelHeap>>> numbers{
            allocator_ref<int, Hardened<ModelHeap>>(b.heap)};
        for (int i = 0; i < 1000; ++i)
            numbers.push_back(i);
        CHECK(numbers[999] == 999);
        Quota quota(b.heap, "vm0", 1000);
        std::byte* const block = quota.allocate({100, 64}).value();
        CHECK(quota.account().live() == 100);
        CHECK(b.heap.usable_size(block) == 100);
        CHECK(b.heap.owns(block));
        CHECK(b.heap.check(block));
        quota.deallocate(block);
    }
    b.heap.deallocate(nullptr);
    b.heap.deallocate(nullptr, {1});
    CHECK(b.heap.allocate({1, 3}).error() == AllocError::bad_alignment);
    CHECK(b.heap.allocate({SIZE_MAX}).error() == AllocError::too_large);
    b.heap.empty_quarantine();
    CHECK(b.base.blocks().empty());
    CHECK(b.base.errors() == 0);
    CHECK(b.log.empty());
}

TEST_CASE("New memory and freed memory is poisoned", "[hardened]") {
    for (const unsigned freed : {0xddU, 0U}) {
        Bench b({.freed = static_cast<std::byte>(freed)});
        std::byte* const block = b.heap.allocate({100}).value();
        CHECK(holds_only(block, 100, 0xcd));
        std::memset(block, 1, 100);
        b.heap.deallocate(block, {100});
        CHECK(holds_only(block, 100, freed));
        CHECK(b.heap.usable_size(block) == 0);
    }
}

TEST_CASE("Writes around a block are found when it comes back", "[hardened]") {
    using enum HeapFaultKind;
    for (const auto& [offset, kind] :
         {std::pair{100, overflow}, std::pair{131, overflow}, std::pair{-1, underflow},
          std::pair{-8, underflow}, std::pair{-9, corrupt_header},
          std::pair{-64, corrupt_header}}) {
        Bench b;
        std::byte* const block = b.heap.allocate({100}).value();
        block[offset] ^= std::byte{0x80};
        CHECK_FALSE(b.heap.try_resize(block, {100}, 50));
        CHECK(b.log.took(kind, block));
        CHECK_FALSE(b.heap.check(block));
        CHECK(b.log.took(kind, block));
        b.heap.deallocate(block, {100});
        CHECK(b.log.took(kind, block));
        CHECK(b.heap.quarantined_bytes() == 0);
        CHECK(b.base.blocks().size() == 1);  // kept
    }
    Bench b;
    std::byte* const block = b.heap.allocate({100, 512}).value();
    block[-65] ^= std::byte{1};  // the padding
    b.heap.deallocate(block);
    CHECK(b.sentence().starts_with("heap 'kernel': underflow: the block at "));
    CHECK(b.sentence().ends_with(" (100 bytes) was written before its start"));
    CHECK(b.log.took(underflow, block));
}

TEST_CASE("Blocks that come back wrongly are found", "[hardened]") {
    using enum HeapFaultKind;
    Bench b;
    std::byte* const block = b.heap.allocate({100, 8}).value();
    std::byte elsewhere{};
    b.heap.deallocate(&elsewhere);
    CHECK(b.log.took(foreign_pointer, &elsewhere));
    b.heap.deallocate(block + 8);
    CHECK(b.log.took(invalid_pointer, block + 8));
    b.heap.deallocate(block + 16, {84, 8});
    CHECK(b.log.took(invalid_pointer, block + 16));
    b.heap.deallocate(block, {101, 8});
    CHECK(b.log.took(wrong_size, block));
    b.heap.deallocate(block, {100, 16});
    CHECK(b.log.took(wrong_alignment, block));
    b.heap.deallocate(block, {100, 8});
    CHECK(b.log.empty());
    b.heap.deallocate(block, {100, 8});
    CHECK(b.sentence().starts_with("heap 'kernel': double free: the block at "));
    CHECK(b.sentence().ends_with(" (100 bytes) is free already"));
    CHECK(b.log.took(double_free, block));
    CHECK_FALSE(b.heap.try_resize(block, {100, 8}, 10));
    CHECK(b.log.took(double_free, block));
    b.heap.empty_quarantine();
    b.heap.deallocate(block);
    CHECK(b.log.took(foreign_pointer, block));
}

TEST_CASE("Writes to a freed block are found when it leaves the quarantine", "[hardened]") {
    for (const int offset : {0, 50, 99, 100, 120, -1, -20}) {
        Bench b;
        std::byte* const block = b.heap.allocate({100}).value();
        b.heap.deallocate(block);
        block[offset] ^= std::byte{1};
        CHECK(b.log.empty());
        b.heap.empty_quarantine();
        CHECK(b.log.took(HeapFaultKind::use_after_free, block));
        CHECK(b.base.blocks().size() == 1);  // kept
    }
}

TEST_CASE("The quarantine keeps to its budget, first in, first out", "[hardened]") {
    Bench b({.quarantine_bytes = 1000});
    std::vector<std::byte*> blocks;
    for (int i = 0; i < 20; ++i)
        blocks.push_back(b.heap.allocate({64}).value());  // 160 bytes each
    for (std::byte* const block : blocks)
        b.heap.deallocate(block);
    CHECK(b.heap.quarantined_bytes() == 960);
    CHECK(b.base.blocks().size() == 6);
    CHECK_FALSE(b.heap.owns(blocks[13]));
    CHECK(b.heap.owns(blocks[14]));
    // What is larger than the budget does not drive the others out.
    b.heap.deallocate(b.heap.allocate({2000}).value());
    CHECK(b.heap.quarantined_bytes() == 960);

    Bench none({.quarantine_bytes = 0});
    none.heap.deallocate(none.heap.allocate({64}).value());
    CHECK(none.base.blocks().empty());
}

TEST_CASE("Small blocks leave when the quarantine has too many", "[hardened]") {
    Bench b({.quarantine_bytes = std::size_t{1} << 30});
    for (std::size_t i = 0; i < Quarantine::most_blocks + 10; ++i)
        b.heap.deallocate(b.heap.allocate({1}).value());
    CHECK(b.base.blocks().size() == Quarantine::most_blocks);
    CHECK(b.log.empty());
}

TEST_CASE("The quarantine gives way before memory is out", "[hardened]") {
    Bench b({}, 2000);
    std::byte* const block = b.heap.allocate({1000}).value();
    b.heap.deallocate(block);
    CHECK(b.heap.quarantined_bytes() > 1000);
    std::byte* const again = b.heap.allocate({1500}).value();
    CHECK(b.heap.quarantined_bytes() == 0);
    CHECK(b.heap.allocate({1500}).error() == AllocError::out_of_memory);
    b.heap.deallocate(again);
}

TEST_CASE("A block resizes within its span only", "[hardened]") {
    Bench b;
    std::byte* const block = b.heap.allocate({100}).value();
    CHECK(b.heap.try_resize(block, {100}, 20));
    CHECK(b.heap.usable_size(block) == 20);
    CHECK_FALSE(b.heap.try_resize(block, {20}, 1000));
    CHECK_FALSE(b.heap.try_resize(block, {100}, 20));
    CHECK(b.log.took(HeapFaultKind::wrong_size, block));
    b.heap.deallocate(block, {20});
    CHECK(b.log.empty());
}

TEST_CASE("Large blocks lie between pages that trap", "[hardened]") {
    MappedBench g;
    std::byte* const block = g.heap.allocate({10000, 16}).value();
    std::memset(block, 1, 10000);
    CHECK(traps([=] { block[10000] = std::byte{1}; }));  // 10000 is a multiple of 16
    CHECK(traps([=] { block[10000 + 4095] = std::byte{1}; }));
    CHECK(traps([=] { block[-4096] = std::byte{1}; }));
    CHECK(g.heap.check(block));
    g.heap.deallocate(block, {10000, 16});
    CHECK(traps([=] { block[5000] = std::byte{1}; }));  // freed, and no access to its pages
    g.heap.deallocate(block, {10000, 16});
    CHECK(g.log.took(HeapFaultKind::double_free, block));
    CHECK(g.pool.used() == 1);
    g.heap.empty_quarantine();
    CHECK(g.pool.used() == 0);
    CHECK(g.log.empty());

    std::byte* const odd = g.heap.allocate({10001, 1}).value();
    odd[10001] = std::byte{1};  // the few bytes before the guard
    g.heap.deallocate(odd, {10001, 1});
    CHECK(g.log.took(HeapFaultKind::overflow, odd));

    std::byte* const small = g.heap.allocate({4095}).value();
    g.heap.deallocate(small);
    std::byte* const aligned = g.heap.allocate({8192, 4096}).value();
    CHECK(reinterpret_cast<std::uintptr_t>(aligned) % 4096 == 0);
    CHECK(g.heap.try_resize(aligned, {8192, 4096}, 5000));
    aligned[4999] = std::byte{1};
    CHECK_FALSE(g.heap.try_resize(aligned, {5000, 4096}, 8193));
    g.heap.deallocate(aligned, {5000, 4096});
    g.heap.empty_quarantine();
    CHECK(g.log.empty());
    CHECK(g.pool.used() == 1);  // what was overflown
}

namespace {

/// A platform whose protect fails when a test wants it to.
struct Reluctant {
    static constexpr std::size_t page_size = 4096;
    static inline int protect_calls_left = 0;
    static inline bool may_unprotect = true;
    static bool protect(Region /*pages*/) { return protect_calls_left-- > 0; }
    static bool unprotect(Region /*pages*/) { return may_unprotect; }
};

}  // namespace

TEST_CASE("Where pages cannot be guarded, their bytes are watched", "[hardened]") {
    for (int calls = 0; calls < 2; ++calls) {
        ModelHeap base;
        FaultLog log;
        Hardened<ModelHeap, Reluctant> heap(base, "", log.hook(), {.guard_from = 100});
        Reluctant::protect_calls_left = calls;
        std::byte* const block = heap.allocate({1000}).value();
        block[1000 + 4000] = std::byte{1};
        heap.deallocate(block);
        CHECK(log.took(HeapFaultKind::overflow, block));
        Reluctant::protect_calls_left = calls;
        heap.deallocate(heap.allocate({1000}).value());
        heap.empty_quarantine();
        CHECK(base.blocks().size() == 1);
        CHECK(log.empty());
    }
    ModelHeap base;
    Hardened<ModelHeap, Reluctant> heap(base, "", {}, {.guard_from = 100});
    Reluctant::protect_calls_left = 100;
    Reluctant::may_unprotect = false;
    heap.deallocate(heap.allocate({1000}).value());
    heap.empty_quarantine();
    CHECK(base.blocks().size() == 1);  // kept: nobody could use its pages
    Reluctant::may_unprotect = true;
}

TEST_CASE("Correct users never hear of it", "[hardened]") {
    const bool ok = rc::check("hardened heap with a correct user", [] {
        Bench b({.quarantine_bytes = *rc::gen::inRange<std::size_t>(0, 5000)}, 30000);
        struct Live {
            std::byte* at;
            Layout layout;
            unsigned pattern;
        };
        std::vector<Live> live;
        unsigned painted = 0;
        const auto paint = [&](Live& block) {
            block.pattern = ++painted % 256;
            std::memset(block.at, static_cast<int>(block.pattern), block.layout.size);
        };
        for (int i = *rc::gen::inRange(1, 100); i > 0; --i) {
            const auto size = *rc::gen::inRange<std::size_t>(0, 2000);
            const auto choice = *rc::gen::inRange(0, 6);
            if (choice < 3 || live.empty()) {
                const Layout layout{size, std::size_t{1} << *rc::gen::inRange(0, 10)};
                const auto block = b.heap.allocate(layout);
                if (!block) continue;
                RC_ASSERT(reinterpret_cast<std::uintptr_t>(*block) % layout.alignment == 0);
                live.push_back({*block, layout, 0});
                paint(live.back());
                continue;
            }
            Live& picked = live[size % live.size()];
            RC_ASSERT(holds_only(picked.at, picked.layout.size, picked.pattern));
            if (choice == 3) {
                if (b.heap.try_resize(picked.at, picked.layout, size)) picked.layout.size = size;
                paint(picked);
            } else {
                if (choice == 4) b.heap.deallocate(picked.at, picked.layout);
                if (choice == 5) b.heap.deallocate(picked.at);
                std::swap(picked, live.back());
                live.pop_back();
            }
        }
        for (const Live& block : live) {
            RC_ASSERT(holds_only(block.at, block.layout.size, block.pattern));
            b.heap.deallocate(block.at, block.layout);
        }
        b.heap.empty_quarantine();
        RC_ASSERT(b.base.blocks().empty());
        RC_ASSERT(b.base.errors() == 0);
        RC_ASSERT(b.log.empty());
    });
    CHECK(ok);
}
