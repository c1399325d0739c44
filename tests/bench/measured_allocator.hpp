// SPDX-License-Identifier: MIT
// An allocator as the benchmark sees it: functions behind pointers, so that the loops that call
// them are the same instructions for every allocator, and what the loops cost can be subtracted.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <cairn/region.hpp>

namespace cairn::bench {

struct Allocator {
    std::string_view name;
    void (*start)(Region region);  ///< from scratch, in this region; null: it finds its own memory
    void* (*allocate)(std::size_t size);
    void* (*allocate_aligned)(std::size_t alignment, std::size_t size);
    void (*free)(void* block);
    bool searches = false;  ///< through lists: it is given less to do
    // operator new and delete; null: it has none of its own.
    void* (*make)(std::size_t size) = nullptr;
    void (*unmake)(void* block) = nullptr;
    void (*unmake_sized)(void* block, std::size_t size) = nullptr;
};

/// Those that a program was linked with; the first is `null`.
[[nodiscard]] std::span<const Allocator> allocators();

/// A loop of its own, for what the functions above cannot show: what is inlined, or knows its size.
struct Loop {
    std::string_view name;
    std::string_view baseline;  ///< the loop without the allocator, to subtract; empty: this is one
    void (*start)(Region region);
    void (*run)(std::size_t rounds);
};

[[nodiscard]] std::span<const Loop> loops();

/// nullptr: there is none of this name.
[[nodiscard]] inline const Allocator* find_allocator(std::string_view name) {
    for (const Allocator& each : allocators()) {
        if (each.name == name) return &each;
    }
    return nullptr;
}

/// Does nothing, in as few instructions as a call can have: what the loops cost without the
/// allocator. A pair of allocate and free is 5 instructions on x86-64 (call, mov, ret; call, ret)
/// and 4 on rv64 (jalr, ret; jalr, ret), which tools/measure_heap.py counts as the allocator's.
void* null_allocate(std::size_t size);
void* null_allocate_aligned(std::size_t alignment, std::size_t size);
void null_free(void* block);
void null_free_sized(void* block, std::size_t size);
inline constexpr Allocator null_allocator{
    "null", nullptr,       null_allocate, null_allocate_aligned, null_free,
    false,  null_allocate, null_free,     null_free_sized};

}  // namespace cairn::bench
