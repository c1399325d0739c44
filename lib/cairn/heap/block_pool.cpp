// SPDX-License-Identifier: MIT
#include "cairn/block_pool.hpp"

#include <algorithm>
#include <memory>

#include "cairn/bits.hpp"

namespace cairn {

/// What one block takes: whole multiples of its alignment, which is the table's at least.
std::expected<Layout, AllocError> BlockPool::cell(Layout block) {
    if (!std::has_single_bit(block.alignment)) return std::unexpected(AllocError::bad_alignment);
    const std::size_t alignment = std::max(block.alignment, alignof(Index));
    const auto size = align_up(std::max<std::size_t>(block.size, 1), alignment);
    if (!size || *size > PTRDIFF_MAX) return std::unexpected(AllocError::too_large);
    return Layout{*size, alignment};
}

std::expected<Layout, AllocError> BlockPool::region_layout(Layout block, std::size_t count) {
    const auto one = cell(block);
    if (!one) return std::unexpected(one.error());
    const auto size = checked_multiply(one->size + sizeof(Index), count);
    if (!size || *size > PTRDIFF_MAX || count > end) return std::unexpected(AllocError::too_large);
    return Layout{*size, one->alignment};
}

std::expected<void, AllocError> BlockPool::init(Region region, Layout block) {
    if (count_ != 0) return std::unexpected(AllocError::already_initialised);
    const auto one = cell(block);
    if (!one) return std::unexpected(one.error());
    const auto start = reinterpret_cast<std::uintptr_t>(region.base);
    const auto first = align_up(start, std::uintptr_t{one->alignment});
    if (start == 0 || !first || !checked_add(start, std::uintptr_t{region.size}) ||
        *first - start >= region.size) {
        return std::unexpected(AllocError::bad_region);
    }
    const std::size_t padding = *first - start;
    const std::size_t fit = (region.size - padding) / (one->size + sizeof(Index));
    if (fit == 0) return std::unexpected(AllocError::bad_region);
    count_ = static_cast<Index>(std::min<std::size_t>(fit, end));
    stride_ = one->size;
    alignment_ = one->alignment;
    base_ = region.base + padding;
    next_ = reinterpret_cast<Index*>(base_ + count_ * stride_);
    return {};
}

std::expected<std::byte*, AllocError> BlockPool::allocate(Layout layout) {
    if (!std::has_single_bit(layout.alignment)) return std::unexpected(AllocError::bad_alignment);
    if (count_ != 0 && (layout.size > stride_ || layout.alignment > alignment_)) {
        return std::unexpected(AllocError::too_large);
    }
    Index index = free_;
    if (index != end) {
        const Index following = next_[index];
        if (following >= fresh_ && following != end) [[unlikely]] {
            report(HeapFaultKind::corrupt_free_list, base_ + index * stride_);
            free_ = end;
            return allocate(layout);
        }
        free_ = following;
    } else if (fresh_ != count_) {
        index = fresh_++;
    } else {
        return std::unexpected(AllocError::out_of_memory);
    }
    std::construct_at(&next_[index], in_use);
    high_water_ = std::max(high_water_, ++used_);
    return base_ + index * stride_;
}

void BlockPool::deallocate(std::byte* block) {
    deallocate(block, {.size = 0, .alignment = 1});
}

void BlockPool::deallocate(std::byte* block, Layout layout) {
    if (block == nullptr || !verify(block, layout)) return;
    const Index index = index_of(block);
    next_[index] = free_;
    free_ = index;
    --used_;
}

bool BlockPool::verify(const std::byte* block, Layout layout) const {
    using enum HeapFaultKind;
    if (!owns(block)) return report(foreign_pointer, block);
    const Index index = index_of(block);
    if (index >= fresh_ || block != base_ + index * stride_) return report(invalid_pointer, block);
    if (next_[index] != in_use) return report(double_free, block);
    if (layout.size > stride_) return report(wrong_size, block);
    if (layout.alignment > alignment_) return report(wrong_alignment, block);
    return true;
}

BlockPool::Index BlockPool::index_of(const std::byte* block) const {
    return static_cast<Index>(static_cast<std::size_t>(block - base_) / stride_);
}

bool BlockPool::try_resize(std::byte* block, Layout /*layout*/, std::size_t new_size) const {
    return owns(block) && new_size <= stride_;
}

bool BlockPool::owns(const void* pointer) const {
    const auto offset =
        reinterpret_cast<std::uintptr_t>(pointer) - reinterpret_cast<std::uintptr_t>(base_);
    return offset < count_ * stride_;
}

bool BlockPool::report(HeapFaultKind kind, const std::byte* block) const {
    hook_({.kind = kind,
           .address = block,
           .size = kind == HeapFaultKind::foreign_pointer ? 0 : stride_,
           .owner = owner_});
    return false;
}

}  // namespace cairn
