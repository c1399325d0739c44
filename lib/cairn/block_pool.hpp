// SPDX-License-Identifier: MIT
// Blocks of one size, in one region, each O(1): a table behind the blocks holds the free list.
//
//     region   [block 0|block 1|block 2|block 3| ...        |next_[0], next_[1], ...]
//                        used             fresh_: from here on never handed out
//
// next_[i] of a free block is the number of the next free one, of a used block `in_use`: that finds
// double frees. As numbers are compared with `fresh_`, none that was overwritten leads out of the
// pool. No lock (see Locked). Does not own the region.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"
#include "cairn/region.hpp"

namespace cairn {

class BlockPool {
  public:
    /// `owner` is named in faults; it outlives the pool, as does the hook's context.
    constexpr explicit BlockPool(std::string_view owner = {}, FaultHook hook = {})
        : owner_(owner), hook_(hook) {}
    BlockPool(const BlockPool&) = delete;
    BlockPool& operator=(const BlockPool&) = delete;

    /// The region that holds `count` blocks of `block` and no more; too_large or bad_alignment
    /// where there is none.
    [[nodiscard]] static std::expected<Layout, AllocError> region_layout(Layout block,
                                                                         std::size_t count);

    /// Cuts `region` into as many blocks as fit. Once only. bad_region: not even one does.
    [[nodiscard]] std::expected<void, AllocError> init(Region region, Layout block);

    /// A block, whatever of `layout` it does not need left unused. too_large: no block of this pool
    /// has that size or alignment.
    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout);
    /// Where a block does not come back as it should, the hook hears of it and nothing changes.
    void deallocate(std::byte* block, Layout layout);
    void deallocate(std::byte* block);
    /// Within the block.
    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) const;
    [[nodiscard]] std::size_t usable_size(const std::byte* /*block*/) const { return stride_; }
    /// Whether `block` could be deallocated with `layout`; the hook hears why not.
    [[nodiscard]] bool verify(const std::byte* block, Layout layout) const;
    /// Whether `pointer` points into a block of the pool, free or used.
    [[nodiscard]] bool owns(const void* pointer) const;

    /// Blocks: there are, handed out now, and the most ever handed out at once.
    [[nodiscard]] std::size_t capacity() const { return count_; }
    [[nodiscard]] std::size_t used() const { return used_; }
    [[nodiscard]] std::size_t high_water() const { return high_water_; }

  private:
    using Index = std::uint32_t;
    static constexpr Index in_use = ~Index{0};
    static constexpr Index end =
        in_use - 1;  ///< of the free list, and the most blocks there can be

    static std::expected<Layout, AllocError> cell(Layout block);
    [[nodiscard]] Index index_of(const std::byte* block) const;
    bool report(HeapFaultKind kind, const std::byte* block) const;

    std::byte* base_ = nullptr;
    Index* next_ = nullptr;
    std::size_t stride_ = 0;
    std::size_t alignment_ = 0;
    Index count_ = 0;
    Index fresh_ = 0;
    Index free_ = end;
    Index used_ = 0;
    Index high_water_ = 0;
    std::string_view owner_;
    FaultHook hook_;
};

static_assert(GeneralHeap<BlockPool>);

}  // namespace cairn
