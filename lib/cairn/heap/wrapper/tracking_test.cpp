// SPDX-License-Identifier: MIT
#include "cairn/tracking.hpp"

#include <rapidcheck.h>

#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "cairn/block_pool.hpp"
#include "cairn/bump_allocator.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/fault_log.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;
using cairn::tests::FaultLog;
using cairn::tests::ModelHeap;

namespace {

static_assert(GeneralHeap<Tracking<ModelHeap>>);
static_assert(ByteAllocator<Tracking<BumpAllocator>>);
static_assert(!GeneralHeap<Tracking<BumpAllocator>>);

/// A heap whose memory stays readable when a block is freed, as a real one's does.
struct Bench {
    alignas(64) std::array<std::byte, 8192> memory{};
    BlockPool pool;
    FaultLog log;
    BlockLedger ledger{"kernel", log.hook()};

    Bench() { REQUIRE(pool.init({memory.data(), memory.size()}, {256, 64}).has_value()); }
    std::string report(std::size_t blocks = 0) {
        FixedBuffer<2048> text;
        ledger.report(text, blocks);
        return std::string(text.view());
    }
};

}  // namespace

TEST_CASE("An owner's account follows its blocks", "[tracking]") {
    ModelHeap heap(SIZE_MAX, 100);
    BlockLedger ledger("kernel");
    {
        Tracking vm0(heap, ledger, "vm0");
        Tracking loader(heap, ledger, "loader");
        std::byte* const a = vm0.allocate({100, 8}).value();
        std::byte* const b = vm0.allocate({20, 256}).value();
        std::byte* const c = loader.allocate({0}).value();
        CHECK(reinterpret_cast<std::uintptr_t>(b) % 256 == 0);
        std::memset(a, 1, 100);
        std::memset(b, 1, 20);
        CHECK(vm0.counts() == BlockCounts{2, 120, 120, 2});
        CHECK(loader.counts() == BlockCounts{1, 0, 0, 1});
        CHECK(vm0.try_resize(a, {100, 8}, 150));
        CHECK_FALSE(vm0.try_resize(a, {150, 8}, 1000));
        CHECK_FALSE(vm0.try_resize(a, {150, 8}, SIZE_MAX - 8));
        CHECK(vm0.counts() == BlockCounts{2, 170, 170, 2});
        CHECK(vm0.usable_size(a) >= 150);
        CHECK(vm0.owns(a));
        vm0.deallocate(nullptr);
        vm0.deallocate(a, {150, 8});
        loader.deallocate(b);  // any owner may bring it back
        CHECK(vm0.counts() == BlockCounts{0, 0, 170, 2});
        loader.deallocate(c, {0});
        CHECK(ledger.counts() == BlockCounts{0, 0, 170, 3});
    }
    CHECK(heap.blocks().empty());
    CHECK(heap.errors() == 0);
}

TEST_CASE("A tracked allocator passes refusals on", "[tracking]") {
    ModelHeap heap(100);
    BlockLedger ledger("kernel");
    Tracking vm0(heap, ledger, "vm0");
    CHECK(vm0.allocate({37}).error() == AllocError::out_of_memory);  // and 64 for the header
    CHECK(vm0.allocate({SIZE_MAX - 63}).error() == AllocError::too_large);
    CHECK(vm0.allocate({1, 3}).error() == AllocError::bad_alignment);
    CHECK(vm0.allocate({SIZE_MAX, std::size_t{1} << 63}).error() == AllocError::too_large);
    CHECK(vm0.allocate({36}).has_value());
    CHECK(ledger.counts().live_blocks == 1);
}

TEST_CASE("Blocks that come back wrongly are reported with their owner", "[tracking]") {
    using enum HeapFaultKind;
    Bench bench;
    Tracking vm0(bench.pool, bench.ledger, "vm0");
    std::byte* const block = vm0.allocate({100, 8}).value();
    const auto sentence = [&] { return FaultLog::sentence(bench.log.faults().at(0)); };

    vm0.deallocate(block, {99, 8});
    CHECK(sentence().starts_with("heap 'vm0': wrong size: the block at "));
    CHECK(sentence().ends_with(" (100 bytes) has another size than it is given back with"));
    CHECK(bench.log.took(wrong_size, block));
    vm0.deallocate(block, {100, 16});
    CHECK(bench.log.took(wrong_alignment, block));
    CHECK_FALSE(vm0.try_resize(block, {99, 8}, 10));
    CHECK(bench.log.took(wrong_size, block));
    vm0.deallocate(block + 1);
    CHECK(bench.log.took(invalid_pointer, block + 1));
    vm0.deallocate(block + 16);
    CHECK(bench.log.took(invalid_pointer, block + 16));
    std::byte elsewhere{};
    vm0.deallocate(&elsewhere);
    CHECK(sentence().starts_with("heap 'kernel': foreign pointer: "));
    CHECK(bench.log.took(foreign_pointer, &elsewhere));
    vm0.deallocate(bench.memory.data(), {1, 1});  // no room for a header before it
    CHECK(bench.log.took(foreign_pointer, bench.memory.data()));
    CHECK(vm0.counts().live_blocks == 1);

    vm0.deallocate(block, {100, 8});
    CHECK(bench.log.empty());
    vm0.deallocate(block, {100, 8});
    CHECK(bench.log.took(double_free, block));
    CHECK_FALSE(vm0.try_resize(block, {100, 8}, 10));
    CHECK(bench.log.took(double_free, block));
    CHECK(bench.pool.used() == 0);
}

TEST_CASE("Damaged headers are reported and their blocks kept", "[tracking]") {
    using enum HeapFaultKind;
    Bench bench;
    Tracking vm0(bench.pool, bench.ledger, "vm0");
    std::array<std::byte*, 5> blocks{};
    for (auto& block : blocks)
        block = vm0.allocate({40}).value();
    blocks[1][-1] ^= std::byte{1};
    vm0.deallocate(blocks[1]);
    CHECK(FaultLog::sentence(bench.log.faults().at(0)).starts_with("heap 'vm0': underflow: "));
    CHECK(bench.log.took(underflow, blocks[1]));
    std::memset(blocks[3] - 56, 0x41, 32);  // its links among others
    vm0.deallocate(blocks[3]);
    CHECK(bench.log.took(corrupt_header, blocks[3]));
    // Its neighbours do not follow it, and the report stops at it.
    vm0.deallocate(blocks[2]);
    CHECK(bench.report(10).find("is damaged: no more are known") != std::string::npos);
    vm0.deallocate(blocks[4]);
    vm0.deallocate(blocks[0]);
    CHECK(bench.log.empty());
    CHECK(vm0.counts().live_blocks == 2);
    CHECK(bench.pool.used() == 2);
    vm0.deallocate(blocks[0]);
    CHECK(bench.log.took(double_free, blocks[0]));
}

TEST_CASE("The report says who has what", "[tracking]") {
    Bench bench;
    Tracking vm0(bench.pool, bench.ledger, "vm0");
    std::optional<Tracking<BlockPool>> loader(std::in_place, bench.pool, bench.ledger, "loader");
    CHECK(bench.report() ==
          "ledger 'kernel': 0 blocks, 0 bytes live; 0 bytes at most, 0 blocks ever\n"
          "  vm0: 0 blocks, 0 bytes live; 0 bytes at most, 0 blocks ever\n"
          "  loader: 0 blocks, 0 bytes live; 0 bytes at most, 0 blocks ever\n");
    std::array<std::byte*, 3> blocks{};
    for (auto& block : blocks)
        block = vm0.allocate({100}).value();
    REQUIRE(loader->allocate({5}).has_value());
    vm0.deallocate(blocks[1]);
    const auto at = [](const std::byte* block) {
        FixedBuffer<32> text;
        print(text, "{}", static_cast<const void*>(block));
        return std::string(text.view());
    };
    const std::string of_vm0 =
        "  vm0: 2 blocks, 200 bytes live; 300 bytes at most, 3 blocks ever\n"
        "    block 3 at " +
        at(blocks[2]) + ": 100 bytes\n";
    CHECK(bench.report(1).starts_with(
        "ledger 'kernel': 3 blocks, 205 bytes live; 305 bytes at most, 4 blocks ever\n" + of_vm0 +
        "  loader: 1 block, 5 bytes live; "));
    CHECK(bench.report(9).find("    block 1 at " + at(blocks[0]) + ": 100 bytes\n  loader: ") !=
          std::string::npos);
    loader.reset();
    CHECK(bench.report(1).find("  owners that have ended: 1 block, 5 bytes live; ") !=
          std::string::npos);
    CHECK(bench.report(1).find("loader") == std::string::npos);
}

TEST_CASE("Blocks of an owner that has ended can still come back", "[tracking]") {
    Bench bench;
    std::optional<Tracking<BlockPool>> ended(std::in_place, bench.pool, bench.ledger, "ended");
    std::byte* const block = ended->allocate({50}).value();
    std::byte* const freed = ended->allocate({50}).value();
    ended->deallocate(freed);
    ended.reset();
    Tracking vm0(bench.pool, bench.ledger, "vm0");
    CHECK(vm0.try_resize(block, {50, default_alignment}, 60));
    vm0.deallocate(freed);
    CHECK(bench.log.took(HeapFaultKind::double_free, freed));
    vm0.deallocate(block, {60, default_alignment});
    CHECK(bench.log.empty());
    CHECK(bench.ledger.counts().live_blocks == 0);
    CHECK(bench.pool.used() == 0);
}

TEST_CASE("A ledger agrees with the heap after any sequence", "[tracking]") {
    const bool ok = rc::check("ledger against the heap", [] {
        ModelHeap heap(20000, 64);
        FaultLog log;
        BlockLedger ledger("kernel", log.hook());
        Tracking even(heap, ledger, "even");
        Tracking odd(heap, ledger, "odd");
        struct Live {
            std::byte* at;
            Layout layout;
        };
        std::vector<Live> live;
        std::size_t bytes = 0;
        for (int i = *rc::gen::inRange(1, 80); i > 0; --i) {
            auto& owner = i % 2 == 0 ? even : odd;
            const auto size = *rc::gen::inRange<std::size_t>(0, 600);
            const auto choice = *rc::gen::inRange(0, 5);
            if (choice < 2 || live.empty()) {
                const Layout layout{size, std::size_t{1} << *rc::gen::inRange(0, 9)};
                const auto block = owner.allocate(layout);
                if (!block) continue;
                std::memset(*block, 0xff, size);
                live.push_back({*block, layout});
                bytes += size;
                continue;
            }
            Live& picked = live[size % live.size()];
            if (choice == 2 && owner.try_resize(picked.at, picked.layout, size)) {
                bytes = bytes - picked.layout.size + size;
                picked.layout.size = size;
            } else if (choice > 2) {
                if (choice == 3) owner.deallocate(picked.at, picked.layout);
                if (choice == 4) owner.deallocate(picked.at);
                bytes -= picked.layout.size;
                std::swap(picked, live.back());
                live.pop_back();
            }
            RC_ASSERT(ledger.counts().live_blocks == live.size());
            RC_ASSERT(ledger.counts().live_bytes == bytes);
        }
        RC_ASSERT(heap.blocks().size() == live.size());
        RC_ASSERT(even.counts().live_bytes + odd.counts().live_bytes == bytes);
        for (const Live& block : live)
            even.deallocate(block.at, block.layout);
        RC_ASSERT(heap.blocks().empty());
        RC_ASSERT(heap.errors() == 0 && log.empty());
    });
    CHECK(ok);
}
