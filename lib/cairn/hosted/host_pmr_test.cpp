// SPDX-License-Identifier: MIT
#include "cairn/host_pmr.hpp"

#include <map>
#include <memory_resource>
#include <string>
#include <vector>

#include "cairn/monotonic_arena.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/model_heap.hpp"

using namespace cairn;
using cairn::tests::ModelHeap;

TEST_CASE("The standard library's pmr containers live on a ByteAllocator", "[host_pmr]") {
    ModelHeap heap;
    {
        PmrResource resource(heap);
        std::pmr::map<int, std::pmr::string> names(&resource);
        for (int i = 0; i < 50; ++i)
            names.emplace(i, std::string(static_cast<std::size_t>(i) * 3, 'x'));
        CHECK(names.at(49).size() == 147);
        CHECK(heap.owns(names.at(49).data()));
    }
    CHECK(heap.blocks().empty());
    CHECK(heap.errors() == 0);  // each block came back with its own layout
}

TEST_CASE("A resource on an arena, and one that runs out", "[host_pmr]") {
    ModelHeap heap(1000);
    MonotonicArena arena(heap, 256);
    PmrResource resource(arena);
    std::pmr::vector<int> numbers({1, 2, 3}, &resource);
    CHECK_THROWS_AS(numbers.reserve(1000), std::bad_alloc);
    CHECK(numbers.size() == 3);
    void* const aligned = resource.allocate(10, 64);
    CHECK(reinterpret_cast<std::uintptr_t>(aligned) % 64 == 0);
    resource.deallocate(aligned, 10, 64);
}

TEST_CASE("Resources are equal on the same allocator", "[host_pmr]") {
    ModelHeap heap;
    ModelHeap other;
    const PmrResource a(heap);
    const PmrResource b(heap);
    const PmrResource c(other);
    CHECK(a == b);
    CHECK(a != c);
    CHECK(a != *std::pmr::new_delete_resource());
}
