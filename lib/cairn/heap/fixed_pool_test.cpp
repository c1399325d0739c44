// SPDX-License-Identifier: MIT
#include "cairn/fixed_pool.hpp"

#include <array>

#include "tests/unit/catch.hpp"
#include "tests/unit/fault_log.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;
using cairn::tests::FaultLog;
using cairn::tests::ModelHeap;

namespace {

struct alignas(32) Counted {
    explicit Counted(int& live, int value) : count(live), number(value) { ++count; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count; }
    int& count;
    int number;
};

}  // namespace

TEST_CASE("A fixed pool makes and ends objects in room of its source", "[fixed_pool]") {
    ModelHeap heap;
    FaultLog log;
    int live = 0;
    {
        FixedPool<Counted, ModelHeap> pool(heap, "counted", log.hook());
        CHECK(pool.make(live, 1) == nullptr);
        CHECK(pool.init(0).error() == AllocError::bad_region);
        REQUIRE(pool.init(3).has_value());
        CHECK(pool.init(3).error() == AllocError::already_initialised);
        CHECK(pool.capacity() == 3);
        std::array<Counted*, 3> objects{};
        for (int i = 0; i < 3; ++i)
            objects[static_cast<std::size_t>(i)] = pool.make(live, i);
        CHECK(live == 3);
        CHECK(objects[2]->number == 2);
        CHECK(reinterpret_cast<std::uintptr_t>(objects[1]) % 32 == 0);
        CHECK(pool.make(live, 4) == nullptr);
        CHECK(live == 3);
        pool.destroy(objects[1]);
        pool.destroy(nullptr);
        CHECK(live == 2);
        CHECK(pool.owns(objects[1]));
        pool.destroy(objects[1]);  // found before its destructor runs again
        CHECK(live == 2);
        CHECK(log.took(HeapFaultKind::double_free, objects[1]));
        CHECK(pool.make(live, 5) == objects[1]);
        CHECK(pool.high_water() == 3);
        for (Counted* const object : objects)
            pool.destroy(object);
        CHECK(pool.used() == 0);
    }
    CHECK(live == 0);
    CHECK(log.empty());
    CHECK(heap.blocks().empty());
    CHECK(heap.errors() == 0);
}

TEST_CASE("A fixed pool passes its source's refusal on", "[fixed_pool]") {
    ModelHeap heap(100);
    FixedPool<std::array<char, 48>, ModelHeap> pool(heap);
    CHECK(pool.init(SIZE_MAX).error() == AllocError::too_large);
    CHECK(pool.init(2).error() == AllocError::out_of_memory);
    CHECK(pool.init(1).has_value());
}
