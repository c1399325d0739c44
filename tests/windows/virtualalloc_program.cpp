// SPDX-License-Identifier: MIT
// The heap on Windows: a break inside a reserved block, the bump allocator on it, and heaps on
// that. Usage: virtualalloc_program limit|default
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <source_location>
#include <string_view>
#include <utility>

#include <cairn/classic_heap.hpp>
#include <cairn/global_heap.hpp>
#include <cairn/host_region.hpp>

namespace {

using namespace cairn;

int failures = 0;

void expect(bool condition, std::source_location where = std::source_location::current()) {
    if (condition) return;
    std::printf("%s:%u: not so\n", where.file_name(), static_cast<unsigned>(where.line()));
    ++failures;
}

constexpr std::size_t page = 4096;
constexpr std::size_t limit = std::size_t{4} << 20;

/// What Windows has at an address: MEM_FREE, MEM_RESERVE or MEM_COMMIT.
DWORD state_of(const std::byte* address) {
    MEMORY_BASIC_INFORMATION information{};
    ::VirtualQuery(address, &information, sizeof information);
    return information.State;
}

bool is_zero(Region region) {
    return std::all_of(region.base, region.base + region.size,
                       [](std::byte byte) { return byte == std::byte{}; });
}

void test_errors() {
    expect(virtualalloc_reserve(0).error() == RegionError::empty);
    expect(virtualalloc_reserve(SIZE_MAX).error() == RegionError::too_large);
    expect(virtualalloc_reserve(std::size_t{1} << 62).error() == RegionError::refused);
    expect(virtualalloc_region(0).error() == RegionError::empty);
    expect(virtualalloc_region(SIZE_MAX).error() == RegionError::too_large);
}

/// The first two regions of the block, and what lies behind them.
void test_regions() {
    expect(virtualalloc_reserve(limit - 1).has_value());
    expect(virtualalloc_reserve(limit).error() == RegionError::refused);
    expect(virtualalloc_region(limit + 1).error() == RegionError::refused);

    const auto first = virtualalloc_region(3 * page - 1);
    if (!first) return expect(first.has_value());
    expect(reinterpret_cast<std::uintptr_t>(first->base) % page == 0);
    expect(first->size == 3 * page);
    expect(is_zero(*first));
    std::fill_n(first->base, first->size, std::byte{0x5a});
    const std::byte* const next = first->base + first->size;
    expect(state_of(next - 1) == MEM_COMMIT);
    expect(state_of(next) == MEM_RESERVE);
    expect(state_of(first->base + limit - 1) == MEM_RESERVE);

    const auto second = virtualalloc_region(1);
    expect((second == Region{first->base + first->size, page}));
    expect(is_zero(*second));
    expect(state_of(next) == MEM_COMMIT);
    expect(state_of(next + page) == MEM_RESERVE);
    // Past the limit nothing is taken, so what is left is still there.
    expect(virtualalloc_region(limit - 4 * page + 1).error() == RegionError::refused);
    expect(state_of(next + page) == MEM_RESERVE);
}

/// The bump allocator's break, from the third region up to the limit.
void test_limit(BumpAllocator& source) {
    const std::size_t left = limit - 4 * page;
    const auto region = virtualalloc_region(page);
    if (!region || !source.init(*region, virtualalloc_region, limit)) return expect(false);
    const std::byte* const end = region->base + left;
    const auto block = source.allocate(page);
    const auto across = source.allocate(3 * page, page);
    expect(block && across && *across == *block + page);
    expect(state_of(*across + 3 * page - 1) == MEM_COMMIT);
    expect(state_of(*across + 3 * page) == MEM_RESERVE);
    expect(source.allocate(left).error() == AllocError::out_of_memory);
    expect(state_of(*across + 3 * page) == MEM_RESERVE);

    const auto mark = source.mark();
    while (const auto each = source.allocate(1000))
        std::fill_n(*each, 1000, std::byte{0xa5});
    while (source.allocate(16)) {
    }
    expect(source.used() == left);
    expect(source.allocate(1).error() == AllocError::out_of_memory);
    expect(virtualalloc_region(1).error() == RegionError::refused);
    expect(state_of(end - 1) == MEM_COMMIT);
    expect(source.rewind(mark).has_value());
}

/// Takes, resizes and gives back blocks until `source` is dry, several times.
template <FitPolicy Fit>
void test_heap(BumpAllocator& source) {
    static std::array<std::byte*, 4096> blocks;
    static unsigned faults;
    const FaultHook hook{[](void* /*context*/, const HeapFault& /*fault*/) { ++faults; }};
    const auto mark = source.mark();
    ClassicHeap<Fit> heap(source, {.owner = "windows", .hook = hook});
    const auto size_of = [](std::size_t i) { return 1 + i * 7919 % 2000; };
    const auto mark_of = [](std::size_t i) { return static_cast<std::byte>(i % 251); };
    std::size_t refused = 0;
    for (std::size_t round = 0; round < 6; ++round) {
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            if (blocks[i] != nullptr) continue;
            const auto block = heap.allocate({size_of(i), std::size_t{1} << i % 8});
            refused += !block;
            if (!block) continue;
            blocks[i] = *block;
            std::fill_n(*block, size_of(i), mark_of(i));
        }
        for (std::size_t i = round % 3; i < blocks.size(); i += 3) {
            if (blocks[i] == nullptr) continue;
            const auto keeps = [i, mark_of](std::byte byte) { return byte == mark_of(i); };
            expect(std::all_of(blocks[i], blocks[i] + size_of(i), keeps));
            heap.deallocate(blocks[i], {size_of(i), std::size_t{1} << i % 8});
            blocks[i] = nullptr;
        }
        expect(heap.check());
    }
    expect(refused > 0);
    for (std::byte*& block : blocks)
        heap.deallocate(std::exchange(block, nullptr));
    expect(heap.statistics().used_blocks == 0 && heap.statistics().free_blocks == 1);
    expect(faults == 0);
    heap.deallocate(reinterpret_cast<std::byte*>(&blocks));
    expect(faults == 1);
    faults = 0;
    expect(source.rewind(mark).has_value());
}

void run_limit() {
    test_errors();
    test_regions();
    BumpAllocator source;
    test_limit(source);
    test_heap<FirstFit>(source);
    test_heap<NextFit>(source);
    test_heap<BestFit>(source);
}

/// Without a word about the limit: 100 MiB, and more behind them.
void run_default() {
    const auto region = platform_init_heap();
    if (!region) return expect(region.has_value());
    expect(region->size == default_heap_size);
    expect(state_of(region->base + region->size - 1) == MEM_COMMIT);
    expect(state_of(region->base + region->size) == MEM_RESERVE);
    expect(state_of(region->base + default_virtualalloc_limit - 1) == MEM_RESERVE);
    expect(virtualalloc_reserve(limit).error() == RegionError::refused);
    BumpAllocator source;
    const std::size_t reserved = default_virtualalloc_limit - default_heap_size;
    expect(source.init(*region, virtualalloc_region, reserved).has_value());
    expect(source.capacity() == default_virtualalloc_limit);
    const auto large = source.allocate(default_heap_size);
    const auto more = source.allocate(default_heap_size / 4);
    expect(large && more && *more == *large + default_heap_size);
    if (more) (*more)[default_heap_size / 4 - 1] = std::byte{1};
    expect(source.allocate(default_virtualalloc_limit).error() == AllocError::out_of_memory);

    ClassicHeap<FirstFit> heap(source, {.owner = "windows"});
    std::size_t taken = 0;
    for (std::size_t size = 1; size < default_heap_size; size *= 2) {
        const auto block = heap.allocate({size});
        if (!block) continue;
        (*block)[size - 1] = std::byte{1};
        taken += size;
        if (size % 3 == 1) heap.deallocate(*block, {size});
    }
    expect(taken > default_heap_size && heap.check());
}

}  // namespace

int main(int argc, char* argv[]) {
    const std::string_view mode = argc == 2 ? argv[1] : "";
    if (mode == "limit") run_limit();
    if (mode == "default") run_default();
    if (mode != "limit" && mode != "default") return 2;
    std::printf("%s\n", failures == 0 ? "all as it should be" : "failed");
    return failures == 0 ? 0 : 1;
}
