// SPDX-License-Identifier: MIT
// An allocator that keeps account of one owner's blocks in a BlockLedger: what is live, what was at
// most, which blocks, in which order. One ledger serves all owners on one allocator:
//
//     BlockLedger ledger("kernel");
//     Tracking vm0(heap, ledger, "vm0");
//     Tracking loader(heap, ledger, "loader");
//     ...
//     ledger.report(writer, 10);
//
// A block costs 64 bytes more (its alignment, if that is more). Blocks that come back twice, with
// another layout, or with a damaged header are reported and left alone. A block may come back
// through any owner of the ledger. As thread-safe as the allocator below. Borrows both.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <optional>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/bits.hpp"
#include "cairn/heap/wrapper/block_ledger.hpp"
#include "cairn/layout.hpp"

namespace cairn {

template <ByteAllocator A>
class Tracking {
    using Header = BlockLedger::Header;

  public:
    /// `owner` outlives the last report.
    Tracking(A& base, BlockLedger& ledger, std::string_view owner)
        : base_(base), ledger_(ledger), tag_{owner, {}} {
        ledger_.add(tag_);
    }
    Tracking(const Tracking&) = delete;
    Tracking& operator=(const Tracking&) = delete;
    ~Tracking() { ledger_.remove(tag_); }

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        if (!std::has_single_bit(layout.alignment)) {
            return std::unexpected(AllocError::bad_alignment);
        }
        if (!checked_add(layout.size, Header::front(layout.alignment))) {
            return std::unexpected(AllocError::too_large);
        }
        const auto whole = base_.allocate(below(layout));
        if (!whole) return whole;
        std::byte* const block = *whole + Header::front(layout.alignment);
        ledger_.enter(block, layout, tag_);
        return block;
    }

    void deallocate(std::byte* block, Layout layout) { release(block, layout); }
    void deallocate(std::byte* block) { release(block, std::nullopt); }

    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        if (!is_ours(block) || !ledger_.find(block, layout)) return false;
        const std::size_t front = Header::front(layout.alignment);
        const auto whole = checked_add(new_size, front);
        if (!whole || !base_.try_resize(block - front, below(layout), *whole)) return false;
        ledger_.resize(block, new_size);
        return true;
    }

    [[nodiscard]] std::size_t usable_size(const std::byte* block) const
        requires GeneralHeap<A>
    {
        const auto alignment = Header::before(block).contents().alignment;
        const std::size_t front = Header::front(static_cast<std::size_t>(alignment));
        return base_.usable_size(block - front) - front;
    }
    /// Whether it lies in the allocator below: all owners own the same.
    [[nodiscard]] bool owns(const void* pointer) const
        requires GeneralHeap<A>
    {
        return base_.owns(pointer);
    }

    [[nodiscard]] BlockCounts counts() const { return ledger_.counts(tag_); }

  private:
    /// What the allocator below is asked for.
    static constexpr Layout below(Layout layout) {
        return {layout.size + Header::front(layout.alignment),
                std::max(layout.alignment, default_alignment)};
    }

    void release(std::byte* block, std::optional<Layout> claimed) {
        if (block == nullptr || !is_ours(block)) return;
        const auto layout = ledger_.leave(block, claimed);
        if (!layout) return;
        base_.deallocate(block - Header::front(layout->alignment), below(*layout));
    }

    /// Before a header is looked for, where the allocator below can tell.
    bool is_ours(const std::byte* block) const {
        if constexpr (GeneralHeap<A>) {
            if (base_.owns(block) && base_.owns(block - sizeof(Header))) return true;
            ledger_.report_fault(HeapFaultKind::foreign_pointer, block);
            return false;
        } else {
            return true;
        }
    }

    A& base_;
    BlockLedger& ledger_;
    BlockTag tag_;
};

}  // namespace cairn
