// SPDX-License-Identifier: MIT
// Thirty mistakes and damages, made by hand, each with what the heap must say of it. After the
// report the heap goes on: it still hands out blocks, and they do not overlap.
#include <functional>
#include <string>
#include <string_view>

#include "cairn/heap/general/heap_test_support.hpp"
#include "cairn/print.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Bench = test::HeapBench;
using enum HeapFaultKind;

std::byte* take(Bench& heap, std::size_t size) {
    std::byte* const block = heap.cache.take(size);
    REQUIRE(block != nullptr);
    std::memset(block, 0, size);
    return block;
}

/// Writes `count` bytes of `value` where nobody should.
void scribble(std::byte* at, std::size_t count, int value = 0x5a) {
    std::memset(at, value, count);
}

/// A free block of `size` bytes in a magazine.
std::byte* cached(Bench& heap, std::size_t size) {
    std::byte* const block = take(heap, size);
    heap.cache.give(block);
    return block;
}

/// A free slot of `size` bytes on its slab's list.
std::byte* flushed(Bench& heap, std::size_t size) {
    std::byte* const block = take(heap, size);
    (void)take(heap, size);  // so that the slab is not empty
    heap.cache.give(block);
    heap.cache.flush();
    return block;
}

/// A slot in the page of one that was handed out, beyond those that wait in the magazine.
std::byte* untouched(Bench& heap, std::size_t size) {
    return take(heap, size) + 30 * size;
}

struct Damage {
    std::string_view name;
    HeapFaultKind kind;
    std::function<void(Bench&)> make;  ///< and does what brings it to light
};

void free_twice(Bench& heap, std::size_t size) {
    heap.cache.give(cached(heap, size));
}

/// Frees `size` bytes' neighbour, then it: the header behind it is damaged.
void overflow_into_header(Bench& heap, std::size_t count) {
    std::byte* const block = take(heap, 40'000);
    (void)take(heap, 40'000);
    scribble(block + heap.cache.usable_size(block), count);
    heap.cache.give(block);
}

void write_after_free(Bench& heap, std::size_t size, std::size_t offset) {
    scribble(cached(heap, size) + offset, 8);
    (void)heap.cache.take(size);
}

const Damage damages[] = {
    {"a slot freed twice", double_free, [](Bench& heap) { free_twice(heap, 48); }},
    {"the longest slot freed twice", double_free, [](Bench& heap) { free_twice(heap, 1024); }},
    {"a cached block freed twice", double_free, [](Bench& heap) { free_twice(heap, 1500); }},
    {"a long block freed twice", double_free, [](Bench& heap) { free_twice(heap, 100'000); }},
    {"a cached run freed twice", double_free,
     [](Bench& heap) {
         std::byte* const run = heap.cache.take(8192, 4096);
         heap.cache.give(run);
         heap.cache.give(run);
     }},
    {"a long run freed twice", double_free, [](Bench& heap) { free_twice(heap, 400'000); }},
    {"a slot freed again after a flush", double_free,
     [](Bench& heap) { heap.cache.give(flushed(heap, 64)); }},
    {"a variable of the program", foreign_pointer,
     [](Bench& heap) {
         static std::uint64_t variable[2];
         heap.cache.give(reinterpret_cast<std::byte*>(variable));
     }},
    {"memory that the break still has", foreign_pointer,
     [](Bench& heap) { heap.cache.give(heap.region.base + heap.region.size - 4096); }},
    {"the first byte above the window", foreign_pointer,
     [](Bench& heap) { heap.cache.give(heap.region.base + heap.region.size); }},
    {"the second half of a slot", invalid_pointer,
     [](Bench& heap) { heap.cache.give(take(heap, 64) + 32); }},
    {"an odd address in a slot", invalid_pointer,
     [](Bench& heap) { heap.cache.give(take(heap, 64) + 1); }},
    {"the rest behind a slab's last slot", invalid_pointer,
     [](Bench& heap) {
         const auto slab = reinterpret_cast<std::uintptr_t>(take(heap, 48)) & ~(slab_size - 1);
         heap.cache.give(reinterpret_cast<std::byte*>(slab + slots_per_slab(3) * 48));
     }},
    {"the next slot, which was never handed out", invalid_pointer,
     [](Bench& heap) { heap.cache.give(untouched(heap, 48)); }},
    {"a slot of another page, which was never handed out", invalid_pointer,
     [](Bench& heap) { heap.cache.give(take(heap, 48) + 128 * 48); }},
    {"the last slot of a slab, which was never handed out", invalid_pointer,
     [](Bench& heap) { heap.cache.give(take(heap, 512) + 31 * 512); }},
    {"a slot never handed out, with its size", invalid_pointer,
     [](Bench& heap) { heap.cache.deallocate(untouched(heap, 48), {.size = 48}); }},
    {"a slot of another page never handed out, with its size", invalid_pointer,
     [](Bench& heap) { heap.cache.deallocate(take(heap, 16) + 4096, {.size = 16}); }},
    {"a write to a slot that was never handed out", use_after_free,
     [](Bench& heap) {
         scribble(untouched(heap, 48), 8);
         for (int i = 0; i < 40; ++i)
             (void)heap.cache.take(48);
     }},
    {"the middle of a run", invalid_pointer,
     [](Bench& heap) { heap.cache.give(take(heap, 400'000) + 8192); }},
    {"an odd address in a run", invalid_pointer,
     [](Bench& heap) { heap.cache.give(take(heap, 400'000) + 16); }},
    {"the heap's own memory", invalid_pointer,
     [](Bench& heap) {
         (void)take(heap, 16);
         std::byte* page = heap.region.base;
         const auto is_internal = [&] {
             const auto number = static_cast<std::size_t>(page - heap.region.base) / heap_page;
             return heap.use_map()[number] == static_cast<std::uint8_t>(PageUse::internal);
         };
         while (!is_internal())
             page += heap_page;
         heap.cache.give(page);
     }},
    {"a slot given back as a longer one", wrong_size,
     [](Bench& heap) { heap.cache.deallocate(take(heap, 40), {.size = 50}); }},
    {"a block given back as a longer one", wrong_size,
     [](Bench& heap) { heap.cache.deallocate(take(heap, 1500), {.size = 2500}); }},
    {"a block given back with another alignment", wrong_alignment,
     [](Bench& heap) { heap.cache.deallocate(take(heap, 1500), {1500, 4096}); }},
    {"eight bytes past the end of a block", overflow,
     [](Bench& heap) { overflow_into_header(heap, 8); }},
    {"one byte past the end of a block", overflow,
     [](Bench& heap) { overflow_into_header(heap, 1); }},
    {"a write to a slot in a magazine", use_after_free,
     [](Bench& heap) { write_after_free(heap, 64, 0); }},
    {"a write to a block in a magazine", use_after_free,
     [](Bench& heap) { write_after_free(heap, 1500, 0); }},
    {"a write over a slab's free list", corrupt_free_list,
     [](Bench& heap) {
         scribble(flushed(heap, 64) + 8, 8);
         for (int i = 0; i < 600; ++i)
             (void)heap.cache.take(64);
     }},
};
static_assert(std::size(damages) == 30);

TEST_CASE("every mistake is told by its name", "[heap_corruption]") {
    for (const Damage& damage : damages) {
        INFO(damage.name);
        Bench heap;
        damage.make(heap);
        REQUIRE(heap.faults.seen.size() == 1);
        const HeapFault fault = heap.faults.seen.front();
        CHECK(to_string(fault.kind) == to_string(damage.kind));

        FixedBuffer<256> sentence;
        print(sentence, "{}", fault);
        const std::string start =
            "heap 'test': " + std::string(to_string(damage.kind)) + ": the block at 0x";
        CHECK(std::string(sentence.view()).substr(0, start.size()) == start);

        // It goes on.
        std::byte* const one = heap.cache.take(100);
        std::byte* const other = heap.cache.take(100);
        CHECK((one != nullptr && other != nullptr && one != other));
    }
}

}  // namespace
}  // namespace cairn
