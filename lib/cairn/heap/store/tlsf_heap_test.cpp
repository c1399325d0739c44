// SPDX-License-Identifier: MIT
#include "cairn/tlsf_heap.hpp"

#include <rapidcheck.h>

#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

static_assert(GeneralHeap<TlsfHeap<NullLock>>);
static_assert(GeneralHeap<TlsfHeap<NullLock>>);

namespace {

constexpr std::size_t region_size = 256 * 1024;

/// A heap on a break of its own, with a hook that collects faults.
template <class Heap = TlsfHeap<>>
struct Bench {
    explicit Bench(std::size_t growth = 4096) {
        std::memset(memory.data(), 0xa5, memory.size());
        REQUIRE(source.init({memory.data(), memory.size()}));
        REQUIRE(heap.init(source, "test", {.function = &hear, .context = this}, growth));
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    static void hear(void* self, const HeapFault& fault) {
        static_cast<Bench*>(self)->faults.push_back(fault);
    }
    /// The kind of the only fault since the last call.
    std::optional<HeapFaultKind> fault() {
        std::optional<HeapFaultKind> kind;
        if (faults.size() == 1) kind = faults.front().kind;
        faults.clear();
        return kind;
    }
    std::byte* get(std::size_t size, std::size_t alignment = 16) {
        return heap.allocate({size, alignment}).value_or(nullptr);
    }

    alignas(4096) std::array<std::byte, region_size> memory;
    BumpAllocator source;
    Heap heap;
    std::vector<HeapFault> faults;
};

}  // namespace

TEST_CASE("Before init everything is refused", "[tlsf_heap]") {
    static TlsfHeap<> heap;  // constant-initialised
    CHECK(heap.allocate({1, 1}).error() == AllocError::out_of_memory);
    CHECK(heap.allocate({1, 4096}).error() == AllocError::out_of_memory);
    heap.deallocate(nullptr);
    heap.deallocate(nullptr, {1, 1});
    CHECK_FALSE(heap.owns(&heap));
    CHECK_FALSE(heap.owns(nullptr));
    CHECK(heap.free_bytes() == 0);
    CHECK(heap.check());

    BumpAllocator nothing;
    CHECK(heap.init(nothing, "test").error() == AllocError::out_of_memory);
    Bench bench;
    CHECK(bench.heap.init(bench.source, "test").error() == AllocError::already_initialised);
}

TEST_CASE("Layouts that make no sense are refused in their own words", "[tlsf_heap]") {
    Bench bench;
    CHECK(bench.heap.allocate({16, 0}).error() == AllocError::bad_alignment);
    CHECK(bench.heap.allocate({16, 24}).error() == AllocError::bad_alignment);
    CHECK(bench.heap.allocate({SIZE_MAX, 16}).error() == AllocError::too_large);
    CHECK(bench.heap.allocate({PTRDIFF_MAX, 16}).error() == AllocError::out_of_memory);
    CHECK(bench.heap.allocate({16, std::size_t{1} << 63}).error() == AllocError::out_of_memory);
    std::byte* const a = bench.get(0);
    std::byte* const b = bench.get(0);
    CHECK((a != nullptr && b != nullptr && a != b));
    CHECK(bench.heap.usable_size(a) == 24);
    CHECK(bench.heap.owns(a));
    CHECK_FALSE(bench.heap.owns(bench.memory.data() + region_size));
    CHECK_FALSE(bench.heap.owns(bench.memory.data() - 1));
}

TEST_CASE("The heap grows as it is used, and into the last byte", "[tlsf_heap]") {
    Bench bench;
    const std::size_t before = bench.source.remaining();
    CHECK(before > region_size - 8192);
    std::vector<std::byte*> blocks;
    std::size_t bytes = 0;
    while (std::byte* const block = bench.get(1000)) {
        blocks.push_back(block);
        bytes += 1008;
        // Never more than a step ahead.
        CHECK(bench.source.used() < bytes + 2 * 4096 + TlsfArena::metadata_size);
    }
    CHECK(bench.source.remaining() < 1008);
    CHECK(bench.get(1000) == nullptr);
    while (bench.get(24) != nullptr) {
    }
    CHECK(bench.source.remaining() == 0);
    CHECK(bench.heap.free_bytes() == 0);
    // What one chunk's end could not hold went on in the next.
    CHECK(bytes + 1008 + 16 + TlsfArena::metadata_size >= region_size);
    for (std::byte* const block : blocks)
        bench.heap.deallocate(block, {1000, 16});
    CHECK(bench.heap.check());
    CHECK(bench.heap.largest_free() >= 1008 * blocks.size() - 8);
    CHECK(bench.faults.empty());
}

TEST_CASE("Requests beyond the step, and beyond all there is", "[tlsf_heap]") {
    Bench bench;
    std::byte* const large = bench.get(100'000);
    REQUIRE(large != nullptr);
    const std::size_t used = bench.source.used();
    CHECK(bench.get(200'000) == nullptr);
    CHECK(bench.get(1000, 1 << 20) == nullptr);
    CHECK(bench.source.used() == used);  // not for nothing
    bench.heap.deallocate(large);
    std::byte* const larger = bench.get(200'000);
    REQUIRE(larger != nullptr);
    CHECK(larger == large);
    bench.heap.deallocate(larger);
    for (std::size_t alignment = 32; alignment <= 65536; alignment *= 2) {
        std::byte* const block = bench.get(100, alignment);
        REQUIRE(block != nullptr);
        CHECK(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
        bench.heap.deallocate(block, {100, alignment});
    }
    CHECK(bench.heap.check());
    CHECK(bench.faults.empty());
}

TEST_CASE("The break may have other users", "[tlsf_heap]") {
    Bench bench;
    std::vector<std::byte*> blocks;
    std::vector<std::byte*> theirs;
    while (std::byte* const block = bench.get(3000)) {
        blocks.push_back(block);
        std::memset(block, 1, 3000);
        if (const auto other = bench.source.allocate(48)) {
            std::memset(*other, 2, 48);
            theirs.push_back(*other);
        }
    }
    CHECK(blocks.size() > region_size / 8192);
    CHECK(bench.heap.check());
    for (std::byte* const block : blocks)
        bench.heap.deallocate(block);
    for (const std::byte* const other : theirs)
        CHECK(std::all_of(other, other + 48, [](std::byte b) { return b == std::byte{2}; }));
    CHECK(bench.heap.check());
    CHECK(bench.faults.empty());
    bench.heap.deallocate(theirs[0]);
    CHECK(bench.fault() == HeapFaultKind::foreign_pointer);
}

TEST_CASE("Blocks given back as what they are not are reported and kept", "[tlsf_heap]") {
    Bench bench;
    std::byte* const block = bench.get(100);
    for (const std::size_t size : {std::size_t{0}, std::size_t{72}, std::size_t{105},
                                   std::size_t{4000}, std::size_t{PTRDIFF_MAX}}) {
        bench.heap.deallocate(block, {size, 16});
        CHECK(bench.fault() == HeapFaultKind::wrong_size);
    }
    bench.heap.deallocate(block, {100, std::size_t{1} << 40});
    CHECK(bench.fault() == HeapFaultKind::wrong_alignment);
    bench.heap.deallocate(block + 8, {100, 16});
    CHECK(bench.fault() == HeapFaultKind::invalid_pointer);
    std::byte* const outside = bench.memory.data() + region_size;
    bench.heap.deallocate(outside, {100, 16});
    CHECK(bench.fault() == HeapFaultKind::foreign_pointer);
    bench.heap.deallocate(block, {89, 16});  // a block of the same length
    CHECK(bench.faults.empty());
    bench.heap.deallocate(block, {100, 16});
    CHECK(bench.fault() == HeapFaultKind::double_free);
    CHECK(bench.heap.check());
}

TEST_CASE("Blocks that were resized have their new size", "[tlsf_heap]") {
    Bench bench;
    std::byte* const block = bench.get(100);
    CHECK(bench.heap.try_resize(block, {100, 16}, 2000));
    bench.heap.deallocate(block, {100, 16});
    CHECK(bench.fault() == HeapFaultKind::wrong_size);
    CHECK(bench.heap.try_resize(block, {2000, 16}, 40));
    CHECK_FALSE(bench.heap.try_resize(block, {40, 16}, 100'000));
    bench.heap.deallocate(block, {40, 16});
    CHECK(bench.faults.empty());
}

namespace {

/// Anything that rapidcheck asks for, with a break that others use too.
template <class Heap>
bool fills_and_empties() {
    return rc::check("any layouts", [] {
        Bench<Heap> bench(*rc::gen::element<std::size_t>(0, 100, 4096, 65536, 1'000'000));
        struct Owned {
            std::byte* at;
            Layout layout;
        };
        std::vector<Owned> owned;
        const int steps = *rc::gen::inRange(1, 300);
        for (int i = 0; i < steps; ++i) {
            const int what = *rc::gen::inRange(0, 8);
            const Layout layout{.size = std::size_t{1} << *rc::gen::inRange(0, 16),
                                .alignment = std::size_t{1} << *rc::gen::inRange(0, 13)};
            if (what == 0) {
                (void)bench.source.allocate(*rc::gen::inRange<std::size_t>(0, 300));
            } else if (what < 5) {
                std::byte* const block = bench.get(layout.size, layout.alignment);
                if (block == nullptr) continue;
                RC_ASSERT(reinterpret_cast<std::uintptr_t>(block) % layout.alignment == 0U);
                RC_ASSERT(bench.heap.owns(block));
                std::memset(block, static_cast<int>(owned.size() % 256), layout.size);
                owned.push_back({block, layout});
            } else if (!owned.empty()) {
                const auto which = *rc::gen::inRange<std::size_t>(0, owned.size());
                bench.heap.deallocate(owned[which].at, owned[which].layout);
                std::swap(owned[which], owned.back());
                owned.pop_back();
            }
            RC_ASSERT(bench.heap.check());
        }
        for (const Owned& block : owned)
            bench.heap.deallocate(block.at, block.layout);
        RC_ASSERT(bench.heap.check());
        RC_ASSERT(bench.faults.empty());
    });
}

}  // namespace

TEST_CASE("Whatever is asked for, everything comes back", "[tlsf_heap]") {
    CHECK(fills_and_empties<TlsfHeap<>>());
    CHECK(fills_and_empties<TlsfHeap<NullLock>>());
}
