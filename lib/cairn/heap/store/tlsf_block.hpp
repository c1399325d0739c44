// SPDX-License-Identifier: MIT
// How the blocks of a TlsfArena lie in memory, one right after the other, each with a header of
// eight bytes. The header says the length twice: as such, and as the (low half of the) address
// where the block ends, so a header that was written over contradicts itself.
//
//     p-8   length           }  header  {  length
//     p-4   end + flags      }          {  end + free
//     p     payload                        next   }  links of the ring of its bin
//     p+8     .                            prev   }
//             .                            not used
//     q-16    .                            p: how the next block finds it
//     q-8   length           }  header  {  length
//     q-4   end + flags      }          {  end + previous_free
//     q     payload                        payload
//           after a used block             after a free block
//
// p and q are multiples of 16 and what callers know blocks by; a length is q - p, at least 32. No
// two free blocks are neighbours, so `free` and `previous_free` do not meet. Only the user of a
// used block changes its length (by `cached`), only the holder of the arena's lock its end: each
// may read the other's word at any time, so both are accessed as atomics.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::tlsf {

inline constexpr std::size_t header_size = 8;
inline constexpr std::size_t grain = 16;
inline constexpr std::size_t smallest_block = 32;  ///< header, two links, where it begins

// What `end` is more than block + length. Each has a bit of its own below 16, and no two of their
// sums differ by what a change of one byte makes: that is always seen, but for `cached`.
inline constexpr std::uint32_t free = 0x401;
inline constexpr std::uint32_t edge =
    0x202;  ///< no block: a chunk ends here; the length is its own
inline constexpr std::uint32_t previous_free = 0x104;  ///< the block before this one is free
inline constexpr std::uint32_t cached = 8;  ///< in a cache, whose user took so much off the length

class [[gnu::may_alias]] Header {
  public:
    [[nodiscard]] std::size_t length() const {
        return static_cast<std::size_t>(__atomic_load_n(&length_, __ATOMIC_RELAXED));
    }
    /// The same for the block's user, whom nobody changes it for.
    [[nodiscard]] bool has_length(std::size_t length) const {
        return length_ == static_cast<Length>(length);
    }
    [[nodiscard]] std::uint32_t end() const { return __atomic_load_n(&end_, __ATOMIC_RELAXED); }
    void set_length(std::size_t length) {
        __atomic_store_n(&length_, static_cast<Length>(length), __ATOMIC_RELAXED);
    }
    void set_end(std::uint32_t end) { __atomic_store_n(&end_, end, __ATOMIC_RELAXED); }
    void set(std::size_t length, std::uint32_t end) {
        set_length(length);
        set_end(end);
    }

  private:
#ifdef __riscv
    using Length = std::int32_t;  // as it loads words
#else
    using Length = std::uint32_t;
#endif
    Length length_;
    std::uint32_t end_;
};

struct [[gnu::may_alias]] Links {
    Links* next;
    Links* prev;
};

using Footer [[gnu::may_alias]] = std::byte*;  ///< where the block begins
struct [[gnu::may_alias]] ChunkLinks {
    std::uint32_t next;
    std::uint32_t prev;
};

static_assert(sizeof(Header) == header_size && sizeof(Links) <= grain);

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
inline bool is_aligned(const void* pointer) {
    return address(pointer) % grain == 0;
}
/// Where a block of `length` ends; anywhere, if that is no length.
template <class Byte>
Byte* end_of(Byte* block, std::size_t length) {
    return reinterpret_cast<Byte*>(address(block) + length);
}
inline std::uint32_t low(const std::byte* end) {
    return static_cast<std::uint32_t>(address(end));
}

/// Whether what follows a used block is a header, by itself. One that others change at the moment
/// may look as if it were none.
inline bool is_header(const std::byte* block) {
    const std::uint32_t flags = header(block)->end() - low(end_of(block, header(block)->length()));
    return (flags & ~(cached | edge)) == 0 || flags == free;
}
/// Whether the header of an aligned block of `length` is one that its user has. No other header is
/// looked at.
inline bool is_out(const std::byte* block, std::size_t length) {
    const std::uint32_t flags = header(block)->end() - low(end_of(block, length));
    return (flags & ~previous_free) == 0;
}

/// What a header says, read once.
struct View {
    std::size_t length;   ///< of the block, cached or not
    std::uint32_t flags;  ///< of them at most four, unless the header is damaged

    [[nodiscard]] bool is_free() const { return flags == free; }
    [[nodiscard]] bool is_used() const { return (flags & ~(previous_free | cached)) == 0; }
    [[nodiscard]] bool is_edge() const { return (flags & ~previous_free) == edge; }
};

inline View view(const std::byte* block) {
    const std::size_t length = header(block)->length();
    const std::uint32_t flags = header(block)->end() - low(end_of(block, length));
    return {(length + cached) & ~(grain - 1), flags};
}

/// The length of a block whose payload holds `size` bytes (no overflow where size < 4 GiB).
constexpr std::size_t length_for(std::size_t size) {
    constexpr std::size_t smallest = smallest_block - header_size;
    return ((size < smallest ? smallest : size) + header_size + grain - 1) & ~(grain - 1);
}
static_assert(length_for(0) == 32 && length_for(24) == 32 && length_for(25) == 48);

}  // namespace cairn::tlsf
