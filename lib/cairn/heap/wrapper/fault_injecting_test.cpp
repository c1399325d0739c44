// SPDX-License-Identifier: MIT
#include "cairn/fault_injecting.hpp"

#include <array>
#include <vector>

#include "cairn/allocator.hpp"
#include "cairn/block_pool.hpp"
#include "cairn/bump_allocator.hpp"
#include "cairn/vector.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;
using cairn::tests::ModelHeap;

namespace {

using Faulty = FaultInjecting<ModelHeap>;
static_assert(GeneralHeap<Faulty>);
static_assert(ByteAllocator<FaultInjecting<BumpAllocator>>);
static_assert(!GeneralHeap<FaultInjecting<BumpAllocator>>);

/// Which of the first `count` attempts fail.
std::vector<int> failures(FaultPlan plan, int count) {
    ModelHeap heap;
    Faulty faulty(heap, plan);
    std::vector<int> failed;
    for (int i = 1; i <= count; ++i) {
        const auto block = faulty.allocate({8});
        if (!block) {
            CHECK(block.error() == AllocError::out_of_memory);
            failed.push_back(i);
        }
    }
    CHECK(faulty.attempts() == static_cast<unsigned>(count));
    CHECK(faulty.injected() == failed.size());
    return failed;
}

}  // namespace

TEST_CASE("Attempts fail by number", "[fault_injecting]") {
    CHECK(failures(FaultPlan::never(), 10).empty());
    CHECK(failures(FaultPlan::nth(4), 10) == std::vector{4});
    CHECK(failures(FaultPlan::every(3), 10) == std::vector{3, 6, 9});
    CHECK(failures(FaultPlan::every(1), 3) == std::vector{1, 2, 3});
    CHECK(failures(FaultPlan::from(8), 10) == std::vector{8, 9, 10});
}

TEST_CASE("Attempts fail by chance, the same for the same seed", "[fault_injecting]") {
    const auto once = failures(FaultPlan::randomly(4, 7), 4000);
    CHECK(once == failures(FaultPlan::randomly(4, 7), 4000));
    CHECK(once != failures(FaultPlan::randomly(4, 8), 4000));
    CHECK(once.size() > 800);
    CHECK(once.size() < 1200);
    CHECK(failures(FaultPlan::randomly(1, 7), 3) == std::vector{1, 2, 3});
}

TEST_CASE("Growth in place is an attempt; shrinking and freeing are not", "[fault_injecting]") {
    ModelHeap heap(SIZE_MAX, 64);
    Faulty faulty(heap, FaultPlan::nth(2));
    std::byte* const block = faulty.allocate({16}).value();
    CHECK(faulty.try_resize(block, {16}, 8));
    CHECK(faulty.try_resize(block, {8}, 8));
    CHECK(faulty.attempts() == 1);
    CHECK_FALSE(faulty.try_resize(block, {8}, 20));
    CHECK(faulty.try_resize(block, {8}, 20));
    CHECK(faulty.usable_size(block) == 32);
    CHECK(faulty.owns(block));
    faulty.deallocate(block, {20});
    CHECK(faulty.attempts() == 3);
    faulty.restart(FaultPlan::nth(1));
    CHECK_FALSE(faulty.allocate({1}).has_value());
    CHECK(faulty.attempts() == 1);
    std::byte* const other = faulty.allocate({1}).value();
    faulty.deallocate(other);
    CHECK(heap.blocks().empty());
    CHECK(heap.errors() == 0);
}

TEST_CASE("A vector survives a failure at every allocation it makes", "[fault_injecting]") {
    for (std::uint64_t n = 1;; ++n) {
        ModelHeap heap;
        Faulty faulty(heap, FaultPlan::nth(n));
        vector<int, allocator_ref<int, Faulty>> numbers{allocator_ref<int, Faulty>(faulty)};
        int refused = 0;
        for (int i = 0; i < 500; ++i) {
            if (!numbers.try_push_back(i)) {
                ++refused;
                REQUIRE(numbers.try_push_back(i));
            }
        }
        REQUIRE(refused <= 1);
        for (int i = 0; i < 500; ++i)
            REQUIRE(numbers[static_cast<std::size_t>(i)] == i);
        if (faulty.injected() == 0) {
            CHECK(n > 4);
            break;
        }
    }
}
