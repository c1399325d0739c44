// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/commands/heap_map.hpp"

#include <cairn/global_heap.hpp>

namespace cairn {
namespace {

constexpr std::string_view letters = ".-isbrc";
enum Letter : std::size_t { untaken, free, own, slab, blocks, run, cached };

Letter letter_of(std::uint8_t use) {
    switch (static_cast<PageUse>(use)) {
        case PageUse::foreign: return untaken;
        case PageUse::free: return free;
        case PageUse::internal: return own;
        case PageUse::block_chunk: return blocks;
        case PageUse::run:
        case PageUse::inside: return run;
        case PageUse::cached_run: return cached;
        case PageUse::apart:
        case PageUse::uncarved: break;
    }
    return slab;
}

}  // namespace

HeapMap::HeapMap(std::size_t pages) : map_(letters, pages) {}

bool HeapMap::take(std::uint8_t use) {
    const bool is_inside = use == static_cast<std::uint8_t>(PageUse::inside);
    if (!is_inside) run_ = letter_of(use);
    return map_.take(run_);
}

}  // namespace cairn
