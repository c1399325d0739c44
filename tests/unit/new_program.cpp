// SPDX-License-Identifier: MIT
// Links lib/cairn/heap/new.cpp, so every `new` of this program comes from the global heap.
// Without Catch2, which allocates before main could give the heap a region.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include <cairn/allocator.hpp>
#include <cairn/global_heap.hpp>
#include <cairn/host_region.hpp>
#include <cairn/inlined_new.hpp>
#include "tests/unit/plain_test.hpp"

namespace {

using namespace cairn;
using namespace cairn::test;

constexpr std::size_t heap_size = std::size_t{4} << 20;
constexpr auto page = std::align_val_t{4096};
volatile std::size_t no_power_of_two = 24;  // out of the compiler's sight, which would object

std::size_t live() {
    return global_heap().core().statistics().live;
}

bool from_heap(const void* block, std::size_t alignment) {
    return global_heap().owns(block) && reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

void test_every_form() {
    const auto none = std::nothrow;
    const std::size_t least = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
    for (void* block : {::operator new(100), ::operator new[](100), ::operator new(100, none),
                        ::operator new[](100, none)}) {
        EXPECT(from_heap(block, least));
    }
    for (void* block : {::operator new(100, page), ::operator new[](100, page),
                        ::operator new(100, page, none), ::operator new[](100, page, none)}) {
        EXPECT(from_heap(block, 4096));
    }
    void* const a = ::operator new(0);
    void* const b = ::operator new(0);
    EXPECT(a != nullptr && b != nullptr && a != b);
}

/// Every form of delete gives the block back: the next `new` of its size is the same block.
void test_delete() {
    const auto none = std::nothrow;
    const auto comes_back = [](auto release) {
        void* const block = ::operator new(100);
        const std::size_t before = live();
        release(block);
        EXPECT(live() < before);
        void* const again = ::operator new(100);
        EXPECT(again == block);
        ::operator delete(again);
    };
    comes_back([](void* p) { ::operator delete(p); });
    comes_back([](void* p) { ::operator delete[](p); });
    comes_back([](void* p) { ::operator delete(p, std::size_t{100}); });
    comes_back([](void* p) { ::operator delete[](p, std::size_t{100}); });
    comes_back([&](void* p) { ::operator delete(p, none); });
    comes_back([&](void* p) { ::operator delete[](p, none); });

    const auto page_comes_back = [](auto release) {
        const std::size_t before = live();
        release(::operator new(5000, page));
        EXPECT(live() == before);
    };
    page_comes_back([](void* p) { ::operator delete(p, page); });
    page_comes_back([](void* p) { ::operator delete[](p, page); });
    page_comes_back([](void* p) { ::operator delete(p, std::size_t{5000}, page); });
    page_comes_back([](void* p) { ::operator delete[](p, std::size_t{5000}, page); });
    page_comes_back([&](void* p) { ::operator delete(p, page, none); });
    page_comes_back([&](void* p) { ::operator delete[](p, page, none); });
    ::operator delete(nullptr);
    ::operator delete(nullptr, std::size_t{16});
}

void test_refusals() {
    const auto none = std::nothrow;
    const std::size_t before = live();
    for (const std::size_t size : {heap_size, SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2}) {
        EXPECT(::operator new(size, none) == nullptr);
        EXPECT(::operator new[](size, page, none) == nullptr);
    }
    EXPECT(::operator new(1, std::align_val_t{no_power_of_two}, none) == nullptr);
    EXPECT(live() == before);
}

void test_language_and_containers() {
    struct alignas(128) Line {
        std::array<char, 128> bytes{};
    };
    const auto line = std::make_unique<Line>();
    EXPECT(from_heap(line.get(), 128));

    std::vector<int, cairn::allocator<int>> numbers(100, 7);
    EXPECT(from_heap(numbers.data(), alignof(int)));
    cairn::allocator<int> source;
    int* const block = source.allocate(2);
    EXPECT(source.try_resize(block, 2, 4));  // both take 16 bytes
    EXPECT(!source.try_resize(block, 4, heap_size));
    source.deallocate(block, 4);
    EXPECT(source.try_allocate(heap_size) == nullptr);
}

struct Node : inlined_new {
    std::array<std::uint64_t, 8> words{};
};
struct alignas(256) Line : inlined_new {
    std::array<char, 256> bytes{};
};

void test_inlined() {
    const std::size_t before = live();
    auto* const node = new Node;
    EXPECT(from_heap(node, 16) &&
           global_heap().usable_size(reinterpret_cast<std::byte*>(node)) == 64);
    delete node;
    auto* const quiet = new (std::nothrow) Node;
    EXPECT(quiet == node);
    quiet->~Node();
    EXPECT(new (quiet) Node == quiet);
    delete quiet;
    auto* const line = new Line;
    EXPECT(from_heap(line, 256));
    delete line;
    auto* const nodes = new Node[3];
    EXPECT(from_heap(nodes, 16));
    delete[] nodes;
    EXPECT(live() == before);
}

void test_panic() {
    const volatile std::size_t size = 123'456'789;
    const auto plain = dying_words([&] { (void)::operator new(size); });
    EXPECT(contains(plain, "operator new: out of memory: 123456789 bytes with alignment 16 "));
    EXPECT(contains(plain, " live, "));
    const auto aligned = dying_words([&] { (void)::operator new[](size, page); });
    EXPECT(contains(aligned, "123456789 bytes with alignment 4096 "));
    const auto crooked =
        dying_words([&] { (void)::operator new(size, std::align_val_t{no_power_of_two}); });
    EXPECT(contains(crooked, "operator new: the alignment is not a power of two: "));
    const auto twice = dying_words([&] {
        int* const block = new int;
        delete block;
        ::operator delete(block);
    });
    EXPECT(contains(twice, "heap 'test': double free: the block at "));
    const auto own = dying_words([&] { (void)cairn::allocator<int>().allocate(size); });
    EXPECT(contains(own, "out of memory: storage for 123456789 objects of 4 bytes each "));
}

/// A thread's cache goes back to the heap with the thread.
void test_thread_end() {
    const auto cached = [] { return global_heap().core().statistics().cached; };
    const std::size_t before = cached();
    for (int i = 0; i < 100; ++i)
        std::thread([] { delete new int; }).join();
    EXPECT(cached() <= before + 4096);  // what making threads left in the cache of this one
}

}  // namespace

int main() {
    EXPECT(::operator new(1, std::nothrow) == nullptr);  // no region yet
    const auto region = cairn::mmap_region(heap_size);
    if (!region || !global_break().init(*region) || !global_heap().init("test"))
        return EXIT_FAILURE;
    test_every_form();
    test_delete();
    test_refusals();
    test_language_and_containers();
    test_inlined();
    test_thread_end();
    test_panic();
    if (failures == 0) std::printf("operator new and delete: all forms as documented\n");
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
