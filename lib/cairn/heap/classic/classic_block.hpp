// SPDX-License-Identifier: MIT
// The block of the classical heap: a header, and behind it the payload that callers know.
//
//     header    previous     the neighbour below      ◄──┐   all blocks, in the order of their
//               next         the neighbour above      ───┘   addresses: the block list
//               size         bytes of the payload, a multiple of 16
//               state, seal  used or free; and a sum over all the rest
//     payload   previous_free, next_free              while it is free: the free list, in the
//               ...                                   order of addresses too
//
// Neighbours in the list mostly touch: the one ends where the other begins. They do not where
// something else lies between two chunks. The seal depends on the header's address as well, so
// neither a stray write nor a copy of a header passes for one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::classic {

enum class State : std::uint32_t {
    used,
    free,
    joined,  ///< no block any more: it went into the one below
};

struct [[gnu::may_alias]] Block {
    Block* previous;
    Block* next;
    std::size_t size;
    State state;
    std::uint32_t seal;
    // The payload; these two only while the block is free.
    Block* previous_free;
    Block* next_free;

    static Block* of(std::byte* payload) { return reinterpret_cast<Block*>(payload - header()); }
    static const Block* of(const std::byte* payload) {
        return reinterpret_cast<const Block*>(payload - header());
    }
    static constexpr std::size_t header() { return offsetof(Block, previous_free); }

    [[nodiscard]] std::byte* payload() { return reinterpret_cast<std::byte*>(this) + header(); }
    [[nodiscard]] const std::byte* payload() const {
        return reinterpret_cast<const std::byte*>(this) + header();
    }
    [[nodiscard]] bool is_free() const { return state == State::free; }
    /// Whether `above` begins where this block ends.
    [[nodiscard]] bool touches(const Block* above) const {
        return reinterpret_cast<const std::byte*>(above) == payload() + size;
    }

    /// To be called after every change of a member, of a block that was sound before.
    void close() { seal = sum(); }
    [[nodiscard]] bool is_sound() const { return seal == sum(); }

  private:
    [[nodiscard, gnu::noinline]] std::uint32_t sum() const {
        std::uint64_t sum = word(this);
        for (const Block* link : {previous, next})
            sum = sum * 33 + word(link);
        sum = (sum * 33 + size) * 33 + static_cast<std::uint32_t>(state);
        if (is_free()) sum = (sum * 33 + word(previous_free)) * 33 + word(next_free);
        return static_cast<std::uint32_t>(sum ^ sum >> 32);
    }
    static std::uint64_t word(const Block* link) { return reinterpret_cast<std::uintptr_t>(link); }
};

inline constexpr std::size_t grain = 16;
/// What is left of a block becomes a block of its own from here on.
inline constexpr std::size_t smallest_block = sizeof(Block);

static_assert(Block::header() % grain == 0 && smallest_block == Block::header() + grain);

}  // namespace cairn::classic
