// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/bump_allocator.hpp"

#include <algorithm>

#include "cairn/bits.hpp"

namespace cairn {

namespace {

/// Asks the source for what the block lacks. Whether the region is longer now.
bool lengthen(BumpArena& arena, BreakGrowth& growth, std::size_t size, std::size_t alignment) {
    if (growth.reserved == 0 || !std::has_single_bit(alignment)) return false;
    const auto next = reinterpret_cast<std::uintptr_t>(arena.mark().at);
    const auto needed = checked_add(std::max(size, BumpArena::grain), -next & (alignment - 1));
    if (!needed || *needed - arena.remaining() > growth.reserved) return false;
    const auto more = growth.source(*needed - arena.remaining());
    if (!more) return false;
    if (more->base != arena.region().base + arena.capacity()) {
        growth.reserved = 0;
        return false;
    }
    const std::size_t length = std::min(more->size & ~(BumpArena::grain - 1), growth.reserved);
    arena.lengthen(length);
    growth.reserved -= length;
    return length != 0;
}

}  // namespace

std::byte* take_grown(BumpArena& arena, BreakGrowth& growth, std::size_t size,
                      std::size_t alignment) {
    // Once more without growing, as another hart may have made room.
    std::byte* block = nullptr;
    do {
        block = arena.take(size, alignment);
    } while (block == nullptr && lengthen(arena, growth, size, alignment));
    return block;
}

}  // namespace cairn
