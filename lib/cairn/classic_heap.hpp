// SPDX-License-Identifier: MIT
// The classical heap: a list of blocks with headers, some used, some free. The one to learn from
// (docs/classic-heap.md); programs are better served by Heap, which never searches.
//
//     [#### 64][.... 128][## 32]       # used, . free; each behind a header of 32 bytes
//
//     allocate  takes the free block that the policy chooses, and splits off what is too much;
//               where none fits, the break gives a chunk: a new block at the end of the list
//     free      marks the block free, and joins it with its neighbours where they are free too
//
// First fit, next fit and best fit are policies (classic_fit.hpp), the rest is the same for all
// (classic_blocks.hpp). Payloads lie at multiples of 16. Chunks are never given back; nothing is
// assumed about where they lie, except that the break moves upwards. Blocks that come back wrong,
// and blocks that were written past their end or after their end of life, are reported to the hook.
//
// Every function takes the lock; the trace and the fault hook run while it is held. The heap lives
// no longer than its break, and its blocks no longer than it.
#pragma once

#include <cstddef>
#include <expected>
#include <string_view>
#include <utility>

#include "cairn/heap/classic/classic_blocks.hpp"
#include "cairn/heap/classic/classic_fit.hpp"
#include "cairn/layout.hpp"
#include "cairn/spinlock.hpp"

namespace cairn {

struct ClassicOptions {
    std::size_t chunk_size = std::size_t{64} << 10;  ///< what the break is asked for, at least
    std::string_view owner = {};                     ///< named in faults; outlives the heap
    FaultHook hook = {};
};

template <FitPolicy Fit, Lockable Lock = Spinlock>
class ClassicHeap {
  public:
    /// Without a block; the first request takes the first chunk.
    constexpr explicit ClassicHeap(BumpAllocator& source, const ClassicOptions& options = {})
        : blocks_(std::in_place, source, options.chunk_size,
                  FaultReporter{options.hook, options.owner}) {}

    /// Refuses with out_of_memory, too_large or bad_alignment.
    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        return blocks_.with(
            [=](classic::Blocks& blocks) { return blocks.allocate(layout, Fit::choose); });
    }

    void deallocate(std::byte* block) {
        blocks_.with([=](classic::Blocks& blocks) { blocks.deallocate(block, {}); });
    }
    /// Also compares `layout` with the block.
    void deallocate(std::byte* block, Layout layout) {
        blocks_.with([=](classic::Blocks& blocks) { blocks.deallocate(block, layout); });
    }

    /// Gives the end of the block back, or takes what it lacks from a free neighbour above.
    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        return blocks_.with(
            [=](classic::Blocks& blocks) { return blocks.try_resize(block, layout, new_size); });
    }

    /// At least what was asked for; 0 where `block` is none of this heap.
    [[nodiscard]] std::size_t usable_size(const std::byte* block) const {
        return blocks_.with(
            [=](const classic::Blocks& blocks) { return blocks.usable_size(block); });
    }

    /// Whether `pointer` points into a payload or a header of this heap. Walks the blocks.
    [[nodiscard]] bool owns(const void* pointer) const {
        return blocks_.with([=](const classic::Blocks& blocks) { return blocks.owns(pointer); });
    }

    /// Who hears of every step from now on.
    void set_trace(classic::TraceHook trace) {
        blocks_.with([=](classic::Blocks& blocks) { blocks.set_trace(trace); });
    }

    /// The block list in a line, as in [#### 64][.... 128]; a space where neighbours do not touch.
    void draw(Writer& writer) const {
        blocks_.with([&](const classic::Blocks& blocks) { blocks.draw(writer); });
    }

    [[nodiscard]] classic::Statistics statistics() const {
        return blocks_.with([](const classic::Blocks& blocks) { return blocks.statistics(); });
    }

    /// Walks both lists; the hook hears of the first thing that is wrong. Whether nothing was.
    [[nodiscard]] bool check() const {
        return blocks_.with([](const classic::Blocks& blocks) { return blocks.check(); });
    }

  private:
    Guarded<classic::Blocks, Lock> blocks_;
};

static_assert(GeneralHeap<ClassicHeap<FirstFit>>);

}  // namespace cairn
