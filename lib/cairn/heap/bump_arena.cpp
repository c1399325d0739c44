// SPDX-License-Identifier: MIT
#include "cairn/heap/bump_arena.hpp"

#include "cairn/bits.hpp"

namespace cairn {

std::expected<void, AllocError> BumpArena::init(Region region) {
    if (capacity_ != 0) return std::unexpected(AllocError::already_initialised);
    const auto base = reinterpret_cast<std::uintptr_t>(region.base);
    const auto end = checked_add<std::uintptr_t>(base, region.size);
    // Larger than PTRDIFF_MAX, and pointer differences would be wrong.
    if (base == 0 || !end || region.size > PTRDIFF_MAX) {
        return std::unexpected(AllocError::bad_region);
    }
    const auto first = align_up<std::uintptr_t>(base, grain);
    const std::uintptr_t last = align_down<std::uintptr_t>(*end, grain);
    if (!first || *first >= last) return std::unexpected(AllocError::bad_region);
    capacity_ = last - *first;
    level_ = ~capacity_;
    bias_ = last + 1;
    return {};
}

std::expected<void, AllocError> BumpArena::resize_last(const std::byte* block, std::size_t old_size,
                                                       std::size_t new_size) {
    if (!is_last(block, old_size)) {
        const bool same_grains = round_up(new_size) == round_up(old_size);
        if (same_grains && round_up(old_size) != 0 && owns(block)) return {};
        return std::unexpected(AllocError::not_last_block);
    }
    const std::size_t old_grains = round_up(old_size);
    if (new_size > remaining() + old_grains) return std::unexpected(AllocError::out_of_memory);
    const std::size_t new_grains = round_up(new_size);
    if (new_grains < old_grains) {
        lower(old_grains - new_grains);
    } else {
        level_ += new_grains - old_grains;
    }
    return {};
}

std::expected<void, AllocError> BumpArena::rewind(Mark mark) {
    const auto at = reinterpret_cast<std::uintptr_t>(mark.at);
    if (at < base() || at > next() || !is_aligned<std::uintptr_t>(at, grain)) {
        return std::unexpected(AllocError::bad_mark);
    }
    lower(next() - at);
    return {};
}

bool BumpArena::owns(const void* pointer) const {
    return reinterpret_cast<std::uintptr_t>(pointer) - base() < capacity_;
}

}  // namespace cairn
