// SPDX-License-Identifier: MIT
// The blocks of the classical heap, and the few things that are done to them. No lock, and no
// opinion on which block to take: ClassicHeap adds both.
//
//     first_                                  rover_                             last_
//       ▼                                       ▼                                  ▼
//     [#### 64][.... 64][## 32]    ...    [........ 128][## 32][.. 32][#### 64][.... 64]
//                  ▲                            ▲                ▲                ▲
//                  └── free list ───────────────┴────────────────┴────────────────┘
//     └──────── chunk ────────┘ others' └─────────────────── chunk ────────────────────┘
//
// Invariants: both lists are in the order of addresses, and no two free blocks touch each other.
// So free neighbours that are to be joined are neighbours in the free list as well.
//
// Every change is one of four steps: `split` and `absorb`, `take` and `release`. Each first looks
// at the seals of all blocks that it is about to write, and does nothing where one is broken: what
// is damaged is reported, and then neither followed nor reused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include "cairn/bump_allocator.hpp"
#include "cairn/classic_trace.hpp"
#include "cairn/heap/classic/classic_block.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"

namespace cairn::classic {

class Search;

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

    // Splitting and joining.
    Block* split(Block* block, std::size_t size);
    bool absorb(Block* block, Block* above);
    void coalesce(Block* block, Block* above);
    // Into and out of the free list.
    bool take(Block* block);
    void release(Block* block);
    [[nodiscard]] std::optional<Block*> free_below(const Block* block) const;
    [[gnu::cold]] bool mend();

    Block* grow(Layout layout);
    bool add_chunk(std::byte* memory, std::size_t size);
    std::byte* hand_out(Block* block, Layout layout);

    /// The block of `payload` if it is a used one (that was asked for with `layout`); else nullptr,
    /// and the hook hears why.
    [[nodiscard]] Block* used_block(std::byte* payload, std::optional<Layout> layout) const;
    [[nodiscard, gnu::cold]] HeapFaultKind diagnose(const Block* block) const;
    /// Whether there is no such block, or it is as it was left. The hook hears of others.
    [[nodiscard]] bool verify(const Block* block) const;
    [[nodiscard]] bool is_within(const void* pointer) const;

    [[nodiscard]] std::size_t offset(const void* address) const {
        return static_cast<std::size_t>(static_cast<const std::byte*>(address) -
                                        reinterpret_cast<const std::byte*>(first_));
    }
    void trace(Step step, const Block* block, const Block* other = nullptr) const;

    BumpAllocator& source_;
    std::size_t chunk_size_;
    FaultReporter report_;
    TraceHook trace_;
    Block* first_ = nullptr;
    Block* last_ = nullptr;
    const std::byte* end_ = nullptr;  ///< of the last block
    Block* first_free_ = nullptr;
    Block* last_free_ = nullptr;
    Block* rover_ = nullptr;  ///< the free block after the one taken last; nullptr: the first one
};

/// What a policy sees: the free blocks one after the other, and whether one fits.
class Search {
  public:
    Search(Blocks& blocks, Layout layout) : blocks_(blocks), layout_(layout) {}

    [[nodiscard]] Block* first() const { return sound(blocks_.first_free_); }
    /// The next one up; nullptr after the last.
    [[nodiscard]] Block* next(const Block* block) const { return sound(block->next_free); }
    /// Where the last search ended.
    [[nodiscard]] Block* rover() const {
        return blocks_.rover_ == nullptr ? first() : sound(blocks_.rover_);
    }
    [[nodiscard]] bool fits(const Block* block) const;
    /// The payload that is wanted, in whole grains.
    [[nodiscard]] std::size_t size() const { return layout_.size; }

  private:
    /// What is damaged ends the list.
    [[nodiscard]] Block* sound(Block* block) const {
        return blocks_.verify(block) ? block : nullptr;
    }

    Blocks& blocks_;
    Layout layout_;
};

}  // namespace cairn::classic
