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
// Payloads lie at multiples of 16. Chunks are never given back; nothing is assumed about where they
// lie, except that the break moves upwards. A block that comes back wrong, or whose header or next
// header was written over, is reported to the hook and stays as it is.
//
// Every function takes the lock; the trace's Writer and the fault hook run while it is held. The
// heap lives no longer than its break, and its blocks no longer than it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/bump_allocator.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"
#include "cairn/locked.hpp"
#include "cairn/writer.hpp"

namespace cairn {

struct ClassicOptions {
    std::size_t chunk_size = std::size_t{64} << 10;  ///< what the break is asked for, at least
    std::string_view owner = {};                     ///< named in faults; outlives the heap
    FaultHook hook = {};
};

namespace classic {

enum class State : std::uint32_t {
    used,
    free,
    joined,  ///< no block any more: it went into the one below
};

inline std::uintptr_t address(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

/// A header, and behind it the payload. The neighbours are those in the order of addresses; mostly
/// they touch, but not where something else lies between two chunks.
struct [[gnu::may_alias]] Block {
    Block* previous;
    Block* next;
    std::size_t size;  ///< bytes of the payload, a multiple of 16
    State state;
    std::uint32_t seal;  ///< a sum over the above and the header's own address
    // The payload; these two only while the block is free: its neighbours in the free list.
    alignas(16) Block* previous_free;
    Block* next_free;

    static Block* of(const std::byte* payload) {
        return reinterpret_cast<Block*>(const_cast<std::byte*>(payload) - header());
    }
    static constexpr std::size_t header() { return offsetof(Block, previous_free); }

    [[nodiscard]] std::byte* payload() const {
        return const_cast<std::byte*>(reinterpret_cast<const std::byte*>(this)) + header();
    }
    [[nodiscard]] std::byte* end() const { return payload() + size; }
    [[nodiscard]] bool is_free() const { return state == State::free; }
    /// Whether `above` begins where this block ends.
    [[nodiscard]] bool touches(const Block* above) const {
        return reinterpret_cast<const std::byte*>(above) == end();
    }
    /// To be called after every change of the header.
    void close() { seal = sum(); }
    [[nodiscard]] bool is_sound() const { return seal == sum(); }

  private:
    [[nodiscard]] std::uint32_t sum() const {
        std::uint64_t sum = size;
        for (const Block* word : std::initializer_list<const Block*>{this, previous, next})
            sum = sum * 33 + address(word);
        sum = sum * 33 + static_cast<std::uint32_t>(state);
        return static_cast<std::uint32_t>(sum ^ sum >> 32);
    }
};

inline constexpr std::size_t grain = 16;
/// What is left of a block becomes a block of its own from here on.
inline constexpr std::size_t smallest_block = sizeof(Block);
static_assert(Block::header() % grain == 0 && smallest_block == Block::header() + grain);

/// By looking at every block. Bytes are those of payloads.
struct Statistics {
    std::size_t used_blocks = 0;
    std::size_t used_bytes = 0;
    std::size_t free_blocks = 0;
    std::size_t free_bytes = 0;
    std::size_t largest_free = 0;
    std::size_t chunks = 0;  ///< runs of blocks that touch each other

    bool operator==(const Statistics&) const = default;
};

/// The two lists, and what is done to them; without a lock.
///
///     ends_.next                    rover_                            ends_.previous
///       ▼                             ▼                                 ▼
///     [#### 64][.... 64][## 32]   [........ 128][## 32][.. 32][#### 64][.... 64]
///                  └── free list ───────┴─────────────────┴──────────────┘
///
/// Both lists are in the order of addresses, and no two free blocks touch. They are rings, closed
/// by `ends_`, a block without a payload, so that no link is ever nullptr.
class Blocks {
  public:
    /// A policy: a free block in which `wanted` fits, or nullptr.
    using Choose = Block* (*)(const Blocks& blocks, Layout wanted);

    constexpr Blocks(BumpAllocator& source, const ClassicOptions& options, Choose choose)
        : source_(source),
          chunk_size_(options.chunk_size),
          report_{options.hook, options.owner},
          choose_(choose) {}
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;

    /// Refuses with out_of_memory, too_large or bad_alignment.
    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout);
    /// Compares `layout` with the block, if it is given.
    void deallocate(std::byte* payload, std::optional<Layout> layout = {});
    /// Gives the end of the block back, or takes what it lacks from a free neighbour above.
    [[nodiscard]] bool try_resize(std::byte* payload, Layout layout, std::size_t new_size);
    /// At least what was asked for; 0 where `payload` is none of this heap.
    [[nodiscard]] std::size_t usable_size(const std::byte* payload) const;
    /// Whether `pointer` points into a payload or a header of this heap. Walks the blocks, up to
    /// the first whose header is damaged.
    [[nodiscard]] bool owns(const void* pointer) const;

    void set_trace(Writer* trace) { trace_ = trace; }
    void draw(Writer& writer) const;
    [[nodiscard]] Statistics statistics() const;
    [[nodiscard]] bool check() const;

    // What policies look at: the free blocks, from first_free() along next_free to end().
    [[nodiscard]] Block* first_free() const { return ends_.next_free; }
    [[nodiscard]] const Block* end() const { return &ends_; }
    /// The free block after the one taken last; end() where there is none.
    [[nodiscard]] Block* rover() const { return rover_; }
    [[nodiscard]] bool fits(const Block* block, Layout wanted) const;

  private:
    Block* grow(Layout wanted);
    Block* split(Block* block, std::size_t size);
    void absorb(Block* block, Block* above);
    void take(Block* block);
    void release(Block* block);
    [[nodiscard]] Block* free_below(Block* block);

    [[nodiscard]] Block* used_block(std::byte* payload, std::optional<Layout> layout) const;
    [[nodiscard]] bool is_within(const void* pointer) const;
    [[nodiscard]] const Block* block_at(const void* pointer) const;
    [[nodiscard]] std::size_t offset(const Block* block) const;

    BumpAllocator& source_;
    std::size_t chunk_size_;
    FaultReporter report_;
    Choose choose_;
    Writer* trace_ = nullptr;
    /// Counts as free, so that a walk down the blocks ends here.
    Block ends_{&ends_, &ends_, 0, State::free, 0, &ends_, &ends_};
    Block* rover_ = &ends_;
};

}  // namespace classic

// --- which of the free blocks that are large enough to take: the three classical answers ---------
//
//     [.... 64][# 16][...... 96][# 16][.. 32][# 16][........ 160]      32 bytes are asked for
//                     ▲ rover
//      first fit       next fit        best fit
//      the lowest      from the rover  the smallest

/// A class with a name and a function. Yours is as good as those below. The size that is wanted is
/// a multiple of 16, the alignment at least 16.
template <class F>
concept FitPolicy = requires(const classic::Blocks& heap, Layout wanted) {
    { F::choose(heap, wanted) } -> std::same_as<classic::Block*>;  // nullptr: none fits
    { F::name } -> std::convertible_to<std::string_view>;
};

/// The lowest block that fits. Small blocks gather at the low end, large ones stay at the high end.
struct FirstFit {
    static constexpr std::string_view name = "first fit";

    static classic::Block* choose(const classic::Blocks& heap, Layout wanted) {
        for (auto* block = heap.first_free(); block != heap.end(); block = block->next_free) {
            if (heap.fits(block, wanted)) return block;
        }
        return nullptr;
    }
};

/// The first that fits from where the last search ended, and once around. Short searches; but no
/// part of memory is left in peace, so large blocks get rare.
struct NextFit {
    static constexpr std::string_view name = "next fit";

    static classic::Block* choose(const classic::Blocks& heap, Layout wanted) {
        auto* const start = heap.rover();
        auto* block = start;
        do {
            if (block != heap.end() && heap.fits(block, wanted)) return block;
            block = block->next_free;
        } while (block != start);
        return nullptr;
    }
};

/// The smallest block that fits, the lowest of several. It looks at every free block, unless one
/// fits exactly; what it leaves over is as small as can be.
struct BestFit {
    static constexpr std::string_view name = "best fit";

    static classic::Block* choose(const classic::Blocks& heap, Layout wanted) {
        classic::Block* best = nullptr;
        for (auto* block = heap.first_free(); block != heap.end(); block = block->next_free) {
            if (!heap.fits(block, wanted)) continue;
            if (best == nullptr || block->size < best->size) best = block;
            if (block->size == wanted.size) break;
        }
        return best;
    }
};

/// The heap: blocks with a policy, inside a lock. `Locked` has allocate, deallocate, try_resize,
/// usable_size and owns.
template <FitPolicy Fit, Lockable Lock = Spinlock>
class ClassicHeap : public Locked<classic::Blocks, Lock> {
    using Blocks = classic::Blocks;

  public:
    /// Without a block; the first request takes the first chunk.
    constexpr explicit ClassicHeap(BumpAllocator& source, const ClassicOptions& options = {})
        : ClassicHeap::Locked(std::in_place, source, options, Fit::choose) {}

    /// Tells `trace` every step from now on, a line each; nullptr: nobody. It must not call the
    /// heap.
    void set_trace(Writer* trace) {
        this->with([=](Blocks& blocks) { blocks.set_trace(trace); });
    }
    /// The block list in a line, as in [#### 64][.... 128]; a space where neighbours do not touch.
    void draw(Writer& writer) const {
        this->with([&](const Blocks& blocks) { blocks.draw(writer); });
    }
    [[nodiscard]] classic::Statistics statistics() const {
        return this->with([](const Blocks& blocks) { return blocks.statistics(); });
    }
    /// Walks both lists; the hook hears of the first thing that is wrong. Whether nothing was.
    [[nodiscard]] bool check() const {
        return this->with([](const Blocks& blocks) { return blocks.check(); });
    }
};

static_assert(GeneralHeap<ClassicHeap<FirstFit>>);

}  // namespace cairn
