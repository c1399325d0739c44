// SPDX-License-Identifier: MIT
// An allocator for one owner, who may have a limited number of bytes of the one below: each VM of
// the kernel has one on the kernel's heap. Counted is what a block really takes, where the
// allocator below can tell (`usable_size`), else its size in whole grains; so an owner cannot have
// more blocks than bytes either. A request is admitted by its own size: what it is rounded up by
// counts, but is never refused.
//
// Refusals: too_large for what exceeds the limit by itself, out_of_memory for what would fit if the
// owner gave something back; what the allocator below refuses keeps its error. As thread-safe as
// that one is. Borrows it; blocks go back through the quota that they came from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/bits.hpp"
#include "cairn/layout.hpp"
#include "cairn/quota_account.hpp"

namespace cairn {

template <ByteAllocator A>
class Quota {
  public:
    /// `owner` outlives the quota.
    constexpr Quota(A& base, std::string_view owner, std::size_t limit)
        : base_(base), account_(owner, limit) {}

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        const std::size_t reserved = in_grains(layout.size);
        if (const auto ok = account_.reserve(reserved); !ok) return std::unexpected(ok.error());
        const auto block = base_.allocate(layout);
        account_.settle(reserved, block ? cost(*block, reserved) : 0);
        return block;
    }

    void deallocate(std::byte* block, Layout layout) {
        if (block == nullptr) return;
        const std::size_t bytes = cost(block, in_grains(layout.size));
        base_.deallocate(block, layout);
        account_.refund(bytes);
    }

    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        const std::size_t before = cost(block, in_grains(layout.size));
        const std::size_t most = std::max(before, in_grains(new_size));
        if (!account_.reserve(most - before)) return false;
        const bool resized = base_.try_resize(block, layout, new_size);
        account_.settle(most, resized ? cost(block, in_grains(new_size)) : before);
        return resized;
    }

    void deallocate(std::byte* block)
        requires GeneralHeap<A>
    {
        if (block == nullptr) return;
        const std::size_t bytes = cost(block, 0);
        base_.deallocate(block);
        account_.refund(bytes);
    }
    [[nodiscard]] std::size_t usable_size(const std::byte* block) const
        requires GeneralHeap<A>
    {
        return base_.usable_size(block);
    }
    /// Whether it lies in the heap below: all quotas on one heap own the same.
    [[nodiscard]] bool owns(const void* pointer) const
        requires GeneralHeap<A>
    {
        return base_.owns(pointer);
    }

    /// For what the owner has besides, and for reports.
    [[nodiscard]] QuotaAccount& account() { return account_; }
    [[nodiscard]] const QuotaAccount& account() const { return account_; }

  private:
    static constexpr std::size_t in_grains(std::size_t size) {
        return align_up(std::max<std::size_t>(size, 1), default_alignment).value_or(SIZE_MAX);
    }

    /// What `block` takes; `otherwise`, where nobody below knows. What is no block takes nothing.
    [[nodiscard]] std::size_t cost(std::byte* block, std::size_t otherwise) const {
        if constexpr (GeneralHeap<A>) {
            return base_.owns(block) ? base_.usable_size(block) : 0;
        } else {
            return otherwise;
        }
    }

    A& base_;
    QuotaAccount account_;
};

}  // namespace cairn
