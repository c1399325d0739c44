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
// Every function takes the lock; the trace and the fault hook run while it is held. The heap lives
// no longer than its break, and its blocks no longer than it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/bump_allocator.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"
#include "cairn/spinlock.hpp"
#include "cairn/writer.hpp"

namespace cairn {
namespace classic {

enum class State : std::uint32_t {
    used,
    free,
    joined,  ///< no block any more: it went into the one below
};

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
    [[nodiscard]] bool is_free() const { return state == State::free; }
    /// Whether `above` begins where this block ends.
    [[nodiscard]] bool touches(const Block* above) const {
        return reinterpret_cast<const std::byte*>(above) == payload() + size;
    }
    /// To be called after every change of the header.
    void close() { seal = sum(); }
    [[nodiscard]] bool is_sound() const { return seal == sum(); }

  private:
    [[nodiscard]] std::uint32_t sum() const;
};

inline constexpr std::size_t grain = 16;
/// What is left of a block becomes a block of its own from here on.
inline constexpr std::size_t smallest_block = sizeof(Block);
static_assert(Block::header() % grain == 0 && smallest_block == Block::header() + grain);

/// What the heap does, for a reader who wants to watch it.
enum class Step : std::uint8_t {
    allocate,   ///< `size` bytes at a multiple of `other` are asked for
    too_small,  ///< the search meets the free block `at`, of `size` bytes, too few
    fits,       ///< the search meets the free block `at`, of `size` bytes, enough
    grow,       ///< the break gives a chunk `at`, of `size` bytes
    split,      ///< the block `at` keeps `size` bytes; the rest becomes the block `other`
    take,       ///< the block `at`, of `size` bytes, is handed out
    refuse,     ///< nothing fits, and the break gives no more
    free,       ///< the block `at`, of `size` bytes, comes back
    coalesce,   ///< the blocks `at` and `other` become one, `at`, of `size` bytes
    resize,     ///< the block `at` is to have `size` bytes instead of `other`
};
[[nodiscard]] std::string_view to_string(Step step);

/// Addresses are counted from the start of the first chunk, so that they are the same in every run.
struct Event {
    Step step;
    std::size_t at = 0;  ///< where the payload begins; of a chunk, where that begins
    std::size_t size = 0;
    std::size_t other = 0;

    bool operator==(const Event&) const = default;
};
/// As in: split: +32 keeps 48 bytes, and +112 is a block of its own
void format_value(Writer& writer, const Event& event);

/// Who hears of each step. It runs with the heap's lock held, so it must not call the heap.
struct TraceHook {
    void (*function)(void* context, const Event& event) = nullptr;
    void* context = nullptr;

    void operator()(const Event& event) const {
        if (function != nullptr) function(context, event);
    }
};

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

class Search;

/// The two lists, and what is done to them; no lock, and no opinion on which block to take.
///
///     first_                      rover_                            last_
///       ▼                           ▼                                 ▼
///     [#### 64][.... 64][## 32]   [........ 128][## 32][.. 32][#### 64][.... 64]
///                  └── free list ───────┴─────────────────┴──────────────┘
///
/// Both lists are in the order of addresses, and no two free blocks touch each other.
class Blocks {
  public:
    using Choose = Block* (*)(Search& search);

    constexpr Blocks(BumpAllocator& source, std::size_t chunk_size, FaultReporter report)
        : source_(source), chunk_size_(chunk_size), report_(report) {}
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout, Choose choose);
    void deallocate(std::byte* payload, std::optional<Layout> layout);
    [[nodiscard]] bool try_resize(std::byte* payload, Layout layout, std::size_t new_size);
    [[nodiscard]] std::size_t usable_size(const std::byte* payload) const;
    [[nodiscard]] bool owns(const void* pointer) const;

    void set_trace(TraceHook trace) { trace_ = trace; }
    void draw(Writer& writer) const;
    [[nodiscard]] Statistics statistics() const;
    [[nodiscard]] bool check() const;

  private:
    friend Search;

    Block* split(Block* block, std::size_t size);
    void absorb(Block* block, Block* above);
    void take(Block* block);
    void release(Block* block);
    [[nodiscard]] Block* free_below(const Block* block) const;
    Block* grow(Layout layout);
    std::byte* hand_out(Block* block, Layout layout);

    [[nodiscard]] Block* used_block(std::byte* payload, std::optional<Layout> layout) const;
    [[nodiscard]] HeapFaultKind diagnose(const Block* block) const;
    [[nodiscard]] bool is_within(const void* pointer) const;
    [[nodiscard]] std::size_t offset(const void* address) const;
    void trace(Step step, const Block* block, const Block* other = nullptr) const;

    BumpAllocator& source_;
    std::size_t chunk_size_;
    FaultReporter report_;
    TraceHook trace_;
    Block* first_ = nullptr;
    Block* last_ = nullptr;
    Block* first_free_ = nullptr;
    Block* last_free_ = nullptr;
    Block* rover_ = nullptr;  ///< the free block after the one taken last; nullptr: the first one
};

/// What a policy sees: the free blocks one after the other, and whether one fits.
class Search {
  public:
    Search(Blocks& blocks, Layout layout) : blocks_(blocks), layout_(layout) {}

    [[nodiscard]] Block* first() const { return blocks_.first_free_; }
    /// The next one up; nullptr after the last.
    [[nodiscard]] Block* next(const Block* block) const { return block->next_free; }
    /// Where the last search ended.
    [[nodiscard]] Block* rover() const {
        return blocks_.rover_ == nullptr ? first() : blocks_.rover_;
    }
    [[nodiscard]] bool fits(const Block* block) const;
    /// The payload that is wanted, in whole grains.
    [[nodiscard]] std::size_t size() const { return layout_.size; }

  private:
    Blocks& blocks_;
    Layout layout_;
};

}  // namespace classic

// --- which of the free blocks that are large enough to take: the three classical answers ---------
//
//     [.... 64][# 16][...... 96][# 16][.. 32][# 16][........ 160]      32 bytes are asked for
//                     ▲ rover
//      first fit       next fit        best fit
//      the lowest      from the rover  the smallest

/// A class with a name and a function. Yours is as good as those below.
template <class F>
concept FitPolicy = requires(classic::Search& search) {
    { F::choose(search) } -> std::same_as<classic::Block*>;  // nullptr: none fits
    { F::name } -> std::convertible_to<std::string_view>;
};

/// The lowest block that fits. Small blocks gather at the low end, large ones stay at the high end.
struct FirstFit {
    static constexpr std::string_view name = "first fit";

    static classic::Block* choose(classic::Search& search) {
        for (classic::Block* block = search.first(); block != nullptr; block = search.next(block)) {
            if (search.fits(block)) return block;
        }
        return nullptr;
    }
};

/// The first that fits from where the last search ended, and once around. Short searches; but no
/// part of memory is left in peace, so large blocks get rare.
struct NextFit {
    static constexpr std::string_view name = "next fit";

    static classic::Block* choose(classic::Search& search) {
        classic::Block* const start = search.rover();
        for (classic::Block* block = start; block != nullptr; block = search.next(block)) {
            if (search.fits(block)) return block;
        }
        for (classic::Block* block = search.first(); block != start; block = search.next(block)) {
            if (search.fits(block)) return block;
        }
        return nullptr;
    }
};

/// The smallest block that fits, the lowest of several. It looks at every free block, unless one
/// fits exactly; what it leaves over is as small as can be.
struct BestFit {
    static constexpr std::string_view name = "best fit";

    static classic::Block* choose(classic::Search& search) {
        classic::Block* best = nullptr;
        for (classic::Block* block = search.first(); block != nullptr; block = search.next(block)) {
            if (!search.fits(block)) continue;
            if (best == nullptr || block->size < best->size) best = block;
            if (block->size == search.size()) break;
        }
        return best;
    }
};

struct ClassicOptions {
    std::size_t chunk_size = std::size_t{64} << 10;  ///< what the break is asked for, at least
    std::string_view owner = {};                     ///< named in faults; outlives the heap
    FaultHook hook = {};
};

template <FitPolicy Fit, Lockable Lock = Spinlock>
class ClassicHeap {
    using Blocks = classic::Blocks;

  public:
    /// Without a block; the first request takes the first chunk.
    constexpr explicit ClassicHeap(BumpAllocator& source, const ClassicOptions& options = {})
        : blocks_(std::in_place, source, options.chunk_size,
                  FaultReporter{options.hook, options.owner}) {}

    /// Refuses with out_of_memory, too_large or bad_alignment.
    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        return blocks_.with([=](Blocks& blocks) { return blocks.allocate(layout, Fit::choose); });
    }
    void deallocate(std::byte* block) {
        blocks_.with([=](Blocks& blocks) { blocks.deallocate(block, {}); });
    }
    /// Also compares `layout` with the block.
    void deallocate(std::byte* block, Layout layout) {
        blocks_.with([=](Blocks& blocks) { blocks.deallocate(block, layout); });
    }
    /// Gives the end of the block back, or takes what it lacks from a free neighbour above.
    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        return blocks_.with(
            [=](Blocks& blocks) { return blocks.try_resize(block, layout, new_size); });
    }
    /// At least what was asked for; 0 where `block` is none of this heap.
    [[nodiscard]] std::size_t usable_size(const std::byte* block) const {
        return blocks_.with([=](const Blocks& blocks) { return blocks.usable_size(block); });
    }
    /// Whether `pointer` points into a payload or a header of this heap. Walks the blocks.
    [[nodiscard]] bool owns(const void* pointer) const {
        return blocks_.with([=](const Blocks& blocks) { return blocks.owns(pointer); });
    }
    /// Who hears of every step from now on.
    void set_trace(classic::TraceHook trace) {
        blocks_.with([=](Blocks& blocks) { blocks.set_trace(trace); });
    }
    /// The block list in a line, as in [#### 64][.... 128]; a space where neighbours do not touch.
    void draw(Writer& writer) const {
        blocks_.with([&](const Blocks& blocks) { blocks.draw(writer); });
    }
    [[nodiscard]] classic::Statistics statistics() const {
        return blocks_.with([](const Blocks& blocks) { return blocks.statistics(); });
    }
    /// Walks both lists; the hook hears of the first thing that is wrong. Whether nothing was.
    [[nodiscard]] bool check() const {
        return blocks_.with([](const Blocks& blocks) { return blocks.check(); });
    }

  private:
    Guarded<Blocks, Lock> blocks_;
};

static_assert(GeneralHeap<ClassicHeap<FirstFit>>);

}  // namespace cairn
