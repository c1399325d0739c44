// SPDX-License-Identifier: MIT
// What is asked of an allocator, why it may refuse, and what every allocator here can do.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cairn/base/language.hpp"

namespace cairn {

/// What any ordinary object needs at most (Arm's need 8), and what every block has that asks for no
/// other alignment.
inline constexpr std::size_t default_alignment = 16;
static_assert(alignof(std::max_align_t) <= default_alignment);

/// `size` bytes at a multiple of `alignment`.
struct Layout {
    std::size_t size = 0;
    std::size_t alignment = default_alignment;

    template <class T>
    [[nodiscard]] static constexpr Layout of() {
        return {sizeof(T), alignof(T)};
    }
    /// A power of two, and no larger than pointer differences can express.
    [[nodiscard]] constexpr bool is_valid() const {
        return std::has_single_bit(alignment) && size <= PTRDIFF_MAX;
    }
    bool operator==(const Layout&) const = default;
};

/// Why an allocator refuses.
enum class AllocError : std::uint8_t {
    out_of_memory,  ///< nothing that is free holds the block, and there is no more to take
    too_large,      ///< more bytes than pointer differences can express, or than a quota allows
    bad_alignment,  ///< the alignment is no power of two
    bad_region,     ///< the region is empty, too small, or wraps around the address space
    already_initialised,  ///< an allocator takes one region only
    bad_mark,             ///< the mark lies outside what is handed out now
    not_last_block,       ///< only the last block can grow, shrink or go
};

[[nodiscard]] std::string_view to_string(AllocError error);

/// Anything that hands out blocks: the break, the heaps, arenas, and wrappers around them.
///
/// `allocate` gives a block of at least `layout.size` bytes, contents unknown; a size of zero is as
/// one, an address of its own. `deallocate` takes back a block with the layout that it was asked
/// for with (or resized to); nullptr is nothing. `try_resize` changes a block where it lies, or
/// says no and changes nothing. None of them throws, and running out is a value.
template <class A>
concept ByteAllocator =
    requires(A& allocator, Layout layout, std::byte* block, std::size_t new_size) {
        { allocator.allocate(layout) } -> std::same_as<std::expected<std::byte*, AllocError>>;
        { allocator.deallocate(block, layout) } -> std::same_as<void>;
        { allocator.try_resize(block, layout, new_size) } -> std::same_as<bool>;
    };

/// An allocator that knows its blocks, so that they can come back without their layout.
template <class A>
concept GeneralHeap = ByteAllocator<A> && requires(A& heap, const A& constant, std::byte* block,
                                                   const std::byte* same_block, const void* any) {
    { heap.deallocate(block) } -> std::same_as<void>;
    { constant.usable_size(same_block) } -> std::same_as<std::size_t>;
    { constant.owns(any) } -> std::same_as<bool>;
};

}  // namespace cairn
