// SPDX-License-Identifier: MIT
#include "cairn/block_pool.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/fault_log.hpp"

using namespace cairn;
using cairn::tests::FaultLog;

namespace {

struct Pool {
    alignas(64) std::array<std::byte, 1024> memory{};
    FaultLog log;
    BlockPool pool{"blocks", log.hook()};

    explicit Pool(Layout block, std::size_t count) {
        const auto layout = BlockPool::region_layout(block, count);
        REQUIRE(layout.has_value());
        REQUIRE(pool.init({memory.data(), layout->size}, block).has_value());
        REQUIRE(pool.capacity() == count);
    }
};

}  // namespace

TEST_CASE("A pool gives each block once, and again when it came back", "[block_pool]") {
    Pool p({24, 8}, 5);
    std::set<std::byte*> blocks;
    for (int i = 0; i < 5; ++i) {
        std::byte* const block = p.pool.allocate({24, 8}).value();
        CHECK(reinterpret_cast<std::uintptr_t>(block) % 8 == 0);
        CHECK(p.pool.owns(block));
        CHECK(p.pool.owns(block + 23));
        std::fill_n(block, 24, std::byte{0xff});
        blocks.insert(block);
    }
    CHECK(blocks.size() == 5);
    CHECK(p.pool.allocate({1, 1}).error() == AllocError::out_of_memory);
    std::byte* const third = p.memory.data() + 48;
    p.pool.deallocate(third, {24, 8});
    CHECK(p.pool.used() == 4);
    CHECK(p.pool.allocate({24, 8}).value() == third);
    CHECK(p.pool.high_water() == 5);
    p.pool.deallocate(nullptr);
    for (std::byte* const block : blocks)
        p.pool.deallocate(block);
    CHECK(p.pool.used() == 0);
    CHECK(p.log.empty());
}

TEST_CASE("A pool's blocks hold what fits them", "[block_pool]") {
    Pool p({40, 64}, 3);
    CHECK(p.pool.allocate({65, 1}).error() == AllocError::too_large);
    CHECK(p.pool.allocate({1, 128}).error() == AllocError::too_large);
    CHECK(p.pool.allocate({1, 24}).error() == AllocError::bad_alignment);
    std::byte* const block = p.pool.allocate({10, 4}).value();
    CHECK(p.pool.usable_size(block) == 64);
    CHECK(p.pool.try_resize(block, {10, 4}, 64));
    CHECK_FALSE(p.pool.try_resize(block, {64, 4}, 65));
    p.pool.deallocate(block, {64, 4});
    CHECK(p.log.empty());
}

TEST_CASE("A pool takes only regions that hold a block", "[block_pool]") {
    alignas(64) std::array<std::byte, 256> memory{};
    BlockPool pool;
    CHECK(pool.allocate({1}).error() == AllocError::out_of_memory);
    CHECK_FALSE(pool.owns(nullptr));
    auto* const top = reinterpret_cast<std::byte*>(~std::uintptr_t{0} - 63);  // NOLINT
    for (const Region bad : {Region{}, Region{memory.data(), 67}, Region{memory.data() + 1, 130},
                             Region{top, 65}, Region{top + 60, 3}, Region{nullptr, 4096}}) {
        CHECK(pool.init(bad, {64, 64}).error() == AllocError::bad_region);
    }
    CHECK(pool.init({memory.data(), 256}, {1, 3}).error() == AllocError::bad_alignment);
    CHECK(pool.init({memory.data(), 256}, {SIZE_MAX, 16}).error() == AllocError::too_large);
    REQUIRE(pool.init({memory.data() + 1, 200}, {64, 64}).has_value());
    CHECK(pool.capacity() == 2);
    CHECK(pool.allocate({64, 64}).value() == memory.data() + 64);
    CHECK(pool.init({memory.data(), 256}, {64, 64}).error() == AllocError::already_initialised);
}

TEST_CASE("A pool's regions are computed without wrapping", "[block_pool]") {
    CHECK(BlockPool::region_layout({24, 8}, 5).value() == Layout{5 * 28, 8});
    CHECK(BlockPool::region_layout({0, 1}, 5).value() == Layout{5 * 8, 4});
    CHECK(BlockPool::region_layout({8, 5}, 1).error() == AllocError::bad_alignment);
    for (const auto& [size, count] :
         {std::pair{SIZE_MAX, std::size_t{1}}, std::pair{SIZE_MAX / 2, std::size_t{4}},
          std::pair{std::size_t{8}, SIZE_MAX / 12}, std::pair{std::size_t{1}, SIZE_MAX},
          std::pair{std::size_t{4}, std::size_t{1} << 32}}) {
        CHECK(BlockPool::region_layout({size, 8}, count).error() == AllocError::too_large);
    }
}

TEST_CASE("A pool sees blocks that come back wrongly", "[block_pool]") {
    using enum HeapFaultKind;
    Pool p({32, 16}, 8);
    std::byte* const a = p.pool.allocate({32, 16}).value();
    std::byte* const b = p.pool.allocate({32, 16}).value();
    std::byte elsewhere{};
    p.pool.deallocate(&elsewhere);
    CHECK(p.log.took(foreign_pointer, &elsewhere));
    p.pool.deallocate(p.memory.data() + 8 * 32);  // the table
    CHECK(p.log.took(foreign_pointer, p.memory.data() + 8 * 32));
    p.pool.deallocate(a + 8);
    CHECK(p.log.took(invalid_pointer, a + 8));
    p.pool.deallocate(b + 32);  // never handed out
    CHECK(p.log.took(invalid_pointer, b + 32));
    p.pool.deallocate(a, {33, 16});
    CHECK(p.log.took(wrong_size, a));
    p.pool.deallocate(a, {32, 32});
    CHECK(p.log.took(wrong_alignment, a));
    p.pool.deallocate(a);
    CHECK(p.log.empty());
    p.pool.deallocate(a);
    REQUIRE(p.log.faults().size() == 1);
    CHECK(FaultLog::sentence(p.log.faults()[0]).starts_with("heap 'blocks': double free: "));
    CHECK(FaultLog::sentence(p.log.faults()[0]).ends_with(" (32 bytes) is free already"));
    CHECK(p.log.took(double_free, a));
    CHECK(p.pool.used() == 1);
}

TEST_CASE("A free list that was overwritten leads nowhere", "[block_pool]") {
    Pool p({32, 16}, 4);
    std::array<std::byte*, 3> blocks{};
    for (auto& block : blocks)
        block = p.pool.allocate({32, 16}).value();
    p.pool.deallocate(blocks[0]);
    p.pool.deallocate(blocks[1]);
    const std::uint32_t wild = 1'000'000;
    std::memcpy(p.memory.data() + 4 * 32 + 4, &wild, sizeof wild);  // next_[1]
    CHECK(p.pool.allocate({32, 16}).value() == p.memory.data() + 96);
    CHECK(p.log.took(HeapFaultKind::corrupt_free_list, blocks[1]));
    CHECK(p.pool.allocate({32, 16}).error() == AllocError::out_of_memory);
    CHECK(p.log.empty());
}

TEST_CASE("A pool does what a set of blocks does", "[block_pool]") {
    const bool ok = rc::check("block pool against a set", [] {
        const auto size = *rc::gen::inRange<std::size_t>(1, 100);
        const auto alignment = std::size_t{1} << *rc::gen::inRange(0, 6);
        alignas(64) std::array<std::byte, 4096> memory{};
        FaultLog log;
        BlockPool pool("", log.hook());
        const auto from = *rc::gen::inRange<std::size_t>(0, 200);
        RC_ASSERT(pool.init({memory.data() + from, 3000}, {size, alignment}).has_value());
        std::vector<std::byte*> live;
        for (int i = *rc::gen::inRange(1, 200); i > 0; --i) {
            if (*rc::gen::inRange(0, 3) != 0) {
                const auto block = pool.allocate({size, alignment});
                RC_ASSERT(block.has_value() == (live.size() < pool.capacity()));
                if (!block) continue;
                RC_ASSERT(std::ranges::find(live, *block) == live.end());
                std::fill_n(*block, size, std::byte{0xa5});
                live.push_back(*block);
            } else if (!live.empty()) {
                const auto which = *rc::gen::inRange<std::size_t>(0, live.size());
                pool.deallocate(live[which], {size, alignment});
                std::swap(live[which], live.back());
                live.pop_back();
            }
            RC_ASSERT(pool.used() == live.size());
        }
        RC_ASSERT(log.empty());
    });
    CHECK(ok);
}
