// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/commands/heap_map.hpp"

#include <algorithm>
#include <utility>

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
        case PageUse::uncarved: break;
    }
    return slab;
}

}  // namespace

HeapMap::HeapMap(std::size_t pages) {
    while (pages > pages_of_letter_ * width * most_lines)
        pages_of_letter_ *= 2;
}

bool HeapMap::take(std::uint8_t use) {
    if (std::exchange(is_full_, false)) size_ = 0;
    const bool is_inside = use == static_cast<std::uint8_t>(PageUse::inside);
    if (!is_inside) run_ = letter_of(use);
    ++counts_[run_];
    if (++pages_ == pages_of_letter_) end_letter();
    return is_full_;
}

bool HeapMap::finish() {
    if (pages_ == 0 && (size_ == 0 || is_full_)) return false;
    if (pages_ != 0) end_letter();
    return true;
}

void HeapMap::end_letter() {
    const auto most = std::ranges::max_element(counts_) - counts_.begin();
    line_[size_++] = letters[static_cast<std::size_t>(most)];
    counts_ = {};
    pages_ = 0;
    is_full_ = size_ == width;
}

}  // namespace cairn
