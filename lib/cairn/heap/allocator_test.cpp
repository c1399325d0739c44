// SPDX-License-Identifier: MIT
#include "cairn/allocator.hpp"

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "cairn/bump_allocator.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct alignas(64) Line {
    std::array<char, 64> bytes;
};

template <class T>
bool is_aligned_for(const T* block) {
    return reinterpret_cast<std::uintptr_t>(block) % alignof(T) == 0;
}

// Storage at compile time.
static_assert([] {
    cairn::allocator<int> source;
    int* const block = source.try_allocate(3);
    std::construct_at(block, 7);
    const bool kept = *block == 7 && !source.try_resize(block, 3, 4);
    source.deallocate(block, 3);
    return kept;
}());

static_assert(array_bytes<int>(3) == 12);
static_assert(!array_bytes<int>(SIZE_MAX / 4 + 2));  // would wrap to 4
static_assert(!array_bytes<char>(std::size_t{1} << 63));
static_assert(std::is_same_v<std::allocator_traits<cairn::allocator<int>>::rebind_alloc<char>,
                             cairn::allocator<char>>);
static_assert(std::allocator_traits<cairn::allocator<int>>::is_always_equal::value);
static_assert(cairn::allocator<int>() == cairn::allocator<char>());

}  // namespace

TEST_CASE("allocator gives storage from the program's heap", "[allocator]") {
    cairn::allocator<Line> source;
    Line* const block = source.allocate(3);
    REQUIRE(block != nullptr);
    CHECK(is_aligned_for(block));
    source.deallocate(block, 3);
    cairn::allocator<char> bytes(source);
    char* const text = bytes.try_allocate(10);
    REQUIRE(text != nullptr);
    CHECK_FALSE(bytes.try_resize(text, 10, 11));  // the C library's heap cannot
    bytes.deallocate(text, 10);
    CHECK(source.try_allocate(SIZE_MAX / 64 + 2) == nullptr);
    CHECK(bytes.try_allocate(SIZE_MAX) == nullptr);
}

TEST_CASE("The standard containers take both allocators", "[allocator]") {
    alignas(16) std::array<std::byte, 4096> memory{};
    BumpAllocator bump;
    REQUIRE(bump.init({memory.data(), memory.size()}).has_value());

    std::vector<int, cairn::allocator<int>> numbers = {1, 2, 3};
    numbers.resize(100, 4);
    CHECK(numbers[99] == 4);

    std::list<int, allocator_ref<int, BumpAllocator>> nodes(bump);  // rebinds to its node type
    for (int i = 0; i < 10; ++i)
        nodes.push_back(i);
    CHECK(bump.owns(&nodes.front()));
    CHECK(nodes.back() == 9);
    const auto copy = nodes;
    CHECK(copy.get_allocator() == nodes.get_allocator());
}

TEST_CASE("allocator_ref allocates, resizes and refuses", "[allocator]") {
    alignas(64) std::array<std::byte, 256> memory{};
    BumpAllocator bump;
    REQUIRE(bump.init({memory.data(), memory.size()}).has_value());
    allocator_ref<int, BumpAllocator> source(bump);
    int* const block = source.allocate(4);
    CHECK(bump.used() == 16);
    CHECK(source.try_resize(block, 4, 8));
    CHECK(bump.used() == 32);
    CHECK_FALSE(source.try_resize(block, 8, 65));
    CHECK_FALSE(source.try_resize(block, 8, SIZE_MAX / 4 + 3));  // would wrap to 8 bytes
    allocator_ref<Line, BumpAllocator> lines(source);
    Line* const line = lines.try_allocate(3);
    REQUIRE(line != nullptr);
    CHECK(is_aligned_for(line));
    CHECK(source.try_allocate(1) == nullptr);
    CHECK(lines.try_allocate(SIZE_MAX / 64 + 2) == nullptr);
    CHECK_FALSE(source.try_resize(block, 8, 16));  // no longer the last
    lines.deallocate(line, 3);
    CHECK(bump.remaining() == 192);

    BumpAllocator other;
    CHECK(allocator_ref<int, BumpAllocator>(other) != source);
    CHECK(lines == source);
}
