// SPDX-License-Identifier: MIT
#include "cairn/locked.hpp"

#include "cairn/block_pool.hpp"
#include "cairn/monotonic_arena.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;
using cairn::tests::ModelHeap;

namespace {

/// Counts what is done with it, and whether it was held when the allocator was called.
class CountingLock {
  public:
    void lock() {
        held = true;
        ++taken;
    }
    bool try_lock() { return true; }
    void unlock() { held = false; }

    static inline bool held = false;
    static inline int taken = 0;
};

/// An allocator that may only be called with the lock held.
class CheckedHeap {
  public:
    std::expected<std::byte*, AllocError> allocate(Layout layout) {
        CHECK(CountingLock::held);
        return heap_.allocate(layout);
    }
    void deallocate(std::byte* block, Layout layout) {
        CHECK(CountingLock::held);
        heap_.deallocate(block, layout);
    }
    void deallocate(std::byte* block) {
        CHECK(CountingLock::held);
        heap_.deallocate(block);
    }
    bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        CHECK(CountingLock::held);
        return heap_.try_resize(block, layout, new_size);
    }
    [[nodiscard]] std::size_t usable_size(const std::byte* block) const {
        CHECK(CountingLock::held);
        return heap_.usable_size(block);
    }
    [[nodiscard]] bool owns(const void* pointer) const {
        CHECK(CountingLock::held);
        return heap_.owns(pointer);
    }

  private:
    ModelHeap heap_;
};

static_assert(GeneralHeap<Locked<BlockPool>>);
static_assert(ByteAllocator<Locked<MonotonicArena<ModelHeap>>>);
static_assert(!GeneralHeap<Locked<MonotonicArena<ModelHeap>>>);

}  // namespace

TEST_CASE("Every call of a locked allocator holds the lock", "[locked]") {
    Locked<CheckedHeap, CountingLock> heap(std::in_place);
    CountingLock::taken = 0;
    std::byte* const a = heap.allocate({100}).value();
    std::byte* const b = heap.allocate({100}).value();
    CHECK(heap.try_resize(a, {100}, 101));
    CHECK(heap.usable_size(a) == 112);
    CHECK(heap.owns(a));
    heap.deallocate(a, {101});
    heap.deallocate(b);
    heap.with([](auto&) { CHECK(CountingLock::held); });
    CHECK(CountingLock::taken == 8);
    CHECK_FALSE(CountingLock::held);
}

TEST_CASE("A locked allocator is made with what the allocator takes", "[locked]") {
    ModelHeap heap;
    Locked<MonotonicArena<ModelHeap>> arena(std::in_place, heap, std::size_t{256});
    REQUIRE(arena.allocate({10}).has_value());
    CHECK(arena.with([](const auto& inside) { return inside.capacity(); }) == 256);
}
