// SPDX-License-Identifier: MIT
// How the blocks of a TlsfArena lie in memory, one right after the other, each with a header of
// eight bytes. The header says the length twice: as such, and as the (low half of the) address
// where the block ends, so a header that was written over contradicts itself.
//
//     p-8   length | flags  }  header  {  length | flags
//     p-4   end    | used   }          {  end    | free
//     p     payload                       next   }  links of the ring of its bin
//     p+8     .                           prev   }
//             .                           not used
//     q-16    .                           length, once more: how the next block finds p
//     q-8   length | flags  }  header  {  length | flags
//     q-4   ...             }          {  ...
//     q     payload                       payload
//           after a used block            after a free block
//
// p and q are multiples of 16 and what callers know blocks by; a length is q - p, at least 32. The
// flags of a free block are clear, as no two free blocks are neighbours. Nobody but the block's
// user changes `end` while the block is used; `length` changes with the previous block's state.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::tlsf {

inline constexpr std::size_t header_size = 8;
inline constexpr std::size_t grain = 16;
inline constexpr std::size_t smallest_block = 32;  ///< header, two links, length

// In `length`:
inline constexpr std::uint32_t previous_free = 1;  ///< the block before this one is free
inline constexpr std::uint32_t last = 2;  ///< the end of a chunk; the length is the chunk's
// In `end`:
inline constexpr std::uint32_t used = 0;
inline constexpr std::uint32_t free = 1;
inline constexpr std::uint32_t cached = 2;  ///< used, as far as the arena goes; free for its user
inline constexpr std::uint32_t edge =
    4;  ///< no block: a chunk ends here; the length is the chunk's
inline constexpr std::uint32_t states = 15;

struct [[gnu::may_alias]] Header {
    std::uint32_t length;
    std::uint32_t end;

    [[nodiscard]] std::size_t bytes() const { return length & ~std::uint32_t{grain - 1}; }
};

struct [[gnu::may_alias]] Links {
    Links* next;
    Links* prev;
};

using Footer [[gnu::may_alias]] = std::uint64_t;

static_assert(sizeof(Header) == header_size && sizeof(Links) == 16);

inline Header* header(std::byte* block) {
    return reinterpret_cast<Header*>(block - header_size);
}
inline const Header* header(const std::byte* block) {
    return reinterpret_cast<const Header*>(block - header_size);
}
/// Of the block that ends at `end`.
inline Footer* footer(std::byte* end) {
    return reinterpret_cast<Footer*>(end - grain);
}
inline Links* links(std::byte* block) {
    return reinterpret_cast<Links*>(block);
}
inline std::byte* block_of(Links* node) {
    return reinterpret_cast<std::byte*>(node);
}

inline std::uintptr_t address(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}
inline std::uint32_t low(const std::byte* end) {
    return static_cast<std::uint32_t>(address(end));
}

/// The length of a block whose payload holds `size` bytes (no overflow where size < 4 GiB).
constexpr std::size_t length_for(std::size_t size) {
    const std::size_t length = (size + header_size + grain - 1) & ~(grain - 1);
    return length < smallest_block ? smallest_block : length;
}
static_assert(length_for(0) == 32 && length_for(24) == 32 && length_for(25) == 48);

}  // namespace cairn::tlsf
