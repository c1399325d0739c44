// SPDX-License-Identifier: MIT
#include "cairn/quota.hpp"

#include <rapidcheck.h>

#include <array>
#include <vector>

#include "cairn/block_pool.hpp"
#include "cairn/bump_allocator.hpp"
#include "cairn/monotonic_arena.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;
using cairn::tests::ModelHeap;

namespace {

static_assert(GeneralHeap<Quota<ModelHeap>>);
static_assert(ByteAllocator<Quota<BumpAllocator>>);
static_assert(!GeneralHeap<Quota<BumpAllocator>>);

}  // namespace

TEST_CASE("An owner has no more than its quota", "[quota]") {
    ModelHeap heap;
    Quota vm0(heap, "vm0", 256);
    Quota vm1(heap, "vm1", 256);
    std::byte* const a = vm0.allocate({100}).value();
    CHECK(vm0.account().live() == 112);  // what it really takes
    CHECK(vm0.allocate({145}).error() == AllocError::out_of_memory);
    CHECK(vm0.allocate({257}).error() == AllocError::too_large);
    CHECK(vm0.allocate({SIZE_MAX}).error() == AllocError::too_large);
    CHECK(vm0.account().refusals() == 3);
    CHECK(vm1.allocate({200}).has_value());  // another owner's business
    std::byte* const b = vm0.allocate({144}).value();
    CHECK(vm0.account().live() == 256);
    CHECK(vm0.allocate({0}).error() == AllocError::out_of_memory);
    CHECK(vm0.usable_size(b) == 144);
    CHECK(vm0.owns(a));
    vm0.deallocate(nullptr, {1});
    vm0.deallocate(nullptr);
    vm0.deallocate(a, {100});
    vm0.deallocate(b);
    CHECK(vm0.account().live() == 0);
    CHECK(vm0.account().peak() == 256);
    CHECK(vm1.account().live() == 208);
    CHECK(heap.errors() == 0);
}

TEST_CASE("What the heap refuses costs nothing and keeps its error", "[quota]") {
    ModelHeap heap(100);
    Quota quota(heap, "vm0", 1000);
    CHECK(quota.allocate({200}).error() == AllocError::out_of_memory);
    CHECK(quota.allocate({10, 24}).error() == AllocError::bad_alignment);
    CHECK(quota.account().live() == 0);
    CHECK(quota.account().refusals() == 0);
    CHECK(quota.account().peak() == 0);
}

TEST_CASE("Blocks grow within the quota only", "[quota]") {
    ModelHeap heap(SIZE_MAX, 64);
    Quota quota(heap, "vm0", 96);
    std::byte* const block = quota.allocate({33}).value();
    CHECK(quota.account().live() == 48);
    CHECK(quota.try_resize(block, {33}, 80));
    CHECK(quota.account().live() == 80);
    CHECK_FALSE(quota.try_resize(block, {80}, 97));  // the quota's refusal
    CHECK(quota.account().refusals() == 1);
    CHECK(quota.try_resize(block, {80}, 5));
    CHECK(quota.account().live() == 16);
    quota.deallocate(block, {5});

    ModelHeap rigid;
    Quota other(rigid, "vm1", 96);
    std::byte* const fixed = other.allocate({16}).value();
    CHECK_FALSE(other.try_resize(fixed, {16}, 40));  // the heap's
    CHECK(other.account().refusals() == 0);
    CHECK(other.account().live() == 16);
}

TEST_CASE("Over an allocator that knows no sizes, whole grains count", "[quota]") {
    alignas(16) std::array<std::byte, 1024> memory{};
    BumpAllocator bump;
    REQUIRE(bump.init({memory.data(), memory.size()}).has_value());
    Quota quota(bump, "vm0", 64);
    std::byte* const a = quota.allocate({0}).value();
    std::byte* const b = quota.allocate({17}).value();
    CHECK(quota.account().live() == 48);
    CHECK(quota.try_resize(b, {17}, 48));
    CHECK(quota.account().live() == 64);
    CHECK_FALSE(quota.try_resize(b, {48}, 49));
    CHECK_FALSE(quota.allocate({0}).has_value());
    CHECK(quota.try_resize(b, {48}, 16));
    quota.deallocate(b, {16});
    quota.deallocate(a, {0});
    CHECK(quota.account().live() == 0);
    CHECK(bump.used() == 0);
}

TEST_CASE("A foreign pointer is the heap's to judge, and gives nothing back", "[quota]") {
    ModelHeap heap;
    Quota quota(heap, "vm0", 1000);
    REQUIRE(quota.allocate({100}).has_value());
    std::byte elsewhere{};
    quota.deallocate(&elsewhere);
    quota.deallocate(&elsewhere, {1});
    CHECK(heap.errors() == 2);
    CHECK(quota.account().live() == 112);
}

TEST_CASE("A quota counts what the heap has", "[quota]") {
    const bool ok = rc::check("quota against its heap", [] {
        ModelHeap heap(*rc::gen::inRange<std::size_t>(0, 4000), 100);
        const auto limit = *rc::gen::inRange<std::size_t>(0, 3000);
        Quota quota(heap, "owner", limit);
        for (int i = *rc::gen::inRange(1, 60); i > 0; --i) {
            const auto size = *rc::gen::inRange<std::size_t>(0, 500);
            const auto& blocks = heap.blocks();
            auto picked = blocks.begin();
            if (!blocks.empty()) std::advance(picked, size % blocks.size());
            const auto choice = *rc::gen::inRange(0, 4);
            if (choice < 2 || blocks.empty()) {
                (void)quota.allocate({size, 8});
            } else if (choice == 2) {
                (void)quota.try_resize(picked->first, picked->second.layout, size);
            } else {
                quota.deallocate(picked->first, picked->second.layout);
            }
            std::size_t sum = 0;
            for (const auto& [at, block] : blocks)
                sum += heap.usable_size(at);
            RC_ASSERT(quota.account().live() == sum);
            RC_ASSERT(sum <= limit + 15);
            RC_ASSERT(quota.account().peak() >= sum);
        }
        RC_ASSERT(heap.errors() == 0);
    });
    CHECK(ok);
}
