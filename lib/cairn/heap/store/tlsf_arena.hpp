// SPDX-License-Identifier: MIT
// Two-level segregated fit: blocks of any size in constant time, with eight bytes of overhead.
//
// An arena owns chunks of memory and cuts them into blocks (tlsf_block.hpp draws them). Free blocks
// of about one length form a ring through a head of their own; SizeBins says which ring serves a
// request, and one word which rings have members (tlsf_store.hpp draws that).
//
// A freed block joins its free neighbours at once, so no two free blocks are ever neighbours, and a
// chunk whose blocks are all free is one free block. A request looks at one block of the bin that
// its own length falls into, then takes from the first bin whose every member holds it.
//
// Every header is compared with itself, and every link that memory holds lies in
// the window, is aligned, and is answered by its counterpart before it is followed. What disagrees
// is reported and left alone. No locking: the owner guards the arena (HeapCore).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "cairn/heap/store/tlsf_block.hpp"
#include "cairn/heap/store/tlsf_store.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/region.hpp"

namespace cairn {

class TlsfArena : public TlsfStore {
  public:
    /// The most that a chunk may have (a chunk is as long as all that joined it), so lengths fit.
    static constexpr std::size_t largest_chunk = 0x7fff'fff0;
    /// Of a chunk, for its ends: what its largest block cannot hold.
    static constexpr std::size_t chunk_overhead = 2 * tlsf::grain - tlsf::header_size;
    /// The largest request served without a search (a round number, which is cheap to compare).
    static constexpr std::size_t largest_quick = Bins::shared_from - 4096;

    /// Adds free memory; false, and nothing happens, where it is too short, too long, or not in the
    /// window. Memory that begins where the last chunk ends lengthens that chunk.
    bool add_chunk(std::byte* base, std::size_t size);
    /// Adds `part`, in the window and of 48 bytes or more in whole grains, to what is then one
    /// chunk `whole`: what lies before and behind is a chunk each already, or nothing.
    void join_chunk(Region part, Region whole);

    /// A block of at least `size` bytes; nullptr where none was found by looking at a bounded
    /// number of blocks.
    [[nodiscard]] std::byte* take(std::size_t size);
    /// As above without looking any further than at one block of each of two bins.
    [[nodiscard, gnu::noinline]] std::byte* take_at_once(std::size_t size);
    /// As above at a multiple of `alignment`, a power of two. What is skipped stays free.
    [[nodiscard]] std::byte* take_aligned(std::size_t size, std::size_t alignment);
    /// The last try: looks at every free block that could do.
    [[nodiscard]] std::byte* take_thoroughly(std::size_t size, std::size_t alignment);

    /// Takes a block back; the whole chunk if it is now entirely free, else nothing. The chunk
    /// stays the arena's until `remove_chunk`.
    Region give(std::byte* block);
    /// False, and it stays the arena's, where it is no chunk that is entirely free.
    bool remove_chunk(Region chunk);
    /// The chunk at `base` if it is entirely free, else nothing.
    [[nodiscard]] Region free_chunk(std::byte* base);

    /// Makes two used blocks of one that was just taken, the first of `length` bytes: the second.
    [[nodiscard]] static std::byte* cut_off(std::byte* block, std::size_t length) {
        tlsf::Header* const own = tlsf::header(block);
        std::byte* const rest = block + length;
        tlsf::header(rest)->set(own->length() - length, own->end());
        own->set(length, tlsf::low(rest));
        return rest;
    }

    /// Changes a block's length where it lies, or says no and changes nothing.
    [[nodiscard]] bool resize(std::byte* block, std::size_t new_size);

    /// For caches: sets a used block aside, so that it counts as free for `give`, and back. False,
    /// and nothing happens, where `block` is none that is used (or cached). Needs no lock either.
    static bool mark_cached(std::byte* block) {
        return change_length(block, 0, -std::size_t{tlsf::cached});
    }
    static bool unmark_cached(std::byte* block) {
        return change_length(block, tlsf::cached, tlsf::cached);
    }

    // Shaped for: "heap, target, pair"; "backing heap alone".
    // The quick paths, for owners that want them inline. They change nothing where they fail, and
    // what is to be done then is take's and give's work.
    struct Freed {
        std::byte* block = nullptr;  ///< with its neighbours; nullptr: there is something wrong
        std::size_t length = 0;
    };
    [[nodiscard, gnu::always_inline]] std::byte* try_take(std::size_t size);
    [[nodiscard, gnu::always_inline]] Freed try_give(std::byte* block);

  private:
    static constexpr unsigned walk_steps = 16;

    [[nodiscard, gnu::always_inline]] static bool unlink(tlsf::Links* node, State& state);
    [[gnu::always_inline]] static void put_between(tlsf::Links* prev, std::byte* block,
                                                   tlsf::Links* next);
    [[gnu::always_inline]] static void insert(std::byte* block, std::size_t length, State& state);
    [[gnu::always_inline]] void settle(std::byte* block, std::size_t length, std::size_t needed,
                                       State& state);
    [[nodiscard, gnu::always_inline]] static bool join_next(std::byte*& end, State& state);
    [[nodiscard, gnu::always_inline]] static bool join_previous(std::byte*& start, State& state);
    static void part_from_previous(std::byte* start, std::byte* block);
    static bool change_length(std::byte* block, std::uint32_t flags, std::size_t by);

    std::byte* take_searching(std::size_t size, std::size_t alignment, std::size_t steps);
    std::byte* search(unsigned from, std::size_t needed, std::size_t alignment, std::size_t steps);
    void abandon(Bin& bin, const std::byte* block);
    std::byte* carve(std::byte* block, std::size_t skip, std::size_t needed);
    [[gnu::noinline]] bool remove(std::byte* block);
    [[gnu::noinline]] void file(std::byte* block, std::size_t length);
    [[gnu::noinline]] void cut(std::byte* block, std::size_t length, std::size_t needed);
    [[nodiscard]] static Region chunk_of(std::byte* block, std::size_t length);

    std::byte* last_end_ = nullptr;  ///< where the chunk ends that was added last
};

/// Takes `node` out of its ring, if its links agree; clears the bin's bit with the last member.
inline bool TlsfArena::unlink(tlsf::Links* node, State& state) {
    tlsf::Links* const next = node->next;
    tlsf::Links* const prev = node->prev;
    if constexpr (heap_checks) {
        if (!state.are_places(next, prev)) [[unlikely]]
            return false;
        if (next->prev != node || prev->next != node) [[unlikely]]
            return false;
    }
    next->prev = prev;
    prev->next = next;
    // Both its neighbours in the ring are one: the head.
    if (next == prev) state.occupied &= ~reinterpret_cast<Bin*>(next)->mask;
    return true;
}

/// Puts a free block into a ring between two members.
inline void TlsfArena::put_between(tlsf::Links* prev, std::byte* block, tlsf::Links* next) {
    tlsf::Links* const node = tlsf::links(block);
    node->next = next;
    node->prev = prev;
    next->prev = node;
    prev->next = node;
}

/// Files a free block.
inline void TlsfArena::insert(std::byte* block, std::size_t length, State& state) {
    Bin* bin = state.bin(Bins::count - 1 - Bins::first);
    if (length <= Bins::shared_from) [[likely]]
        bin = state.bin(Bins::own_bin_of(length));
    state.occupied |= bin->mask;
    put_between(&bin->ring, block, bin->ring.next);
}

/// Uses `needed` bytes of an unlinked free block; what is left stays free.
inline void TlsfArena::settle(std::byte* block, std::size_t length, std::size_t needed,
                              State& state) {
    std::byte* const end = tlsf::end_of(block, length);
    const std::size_t left = length - needed;
    if (left >= tlsf::smallest_block) [[likely]] {
        std::byte* const rest = block + needed;
        tlsf::header(block)->set(needed, tlsf::low(rest));
        tlsf::header(rest)->set(left, tlsf::low(end) + tlsf::free);
        *tlsf::footer(end) = left;
        insert(rest, left, state);
    } else {
        tlsf::header(block)->set_end(tlsf::low(end));
        tlsf::header(end)->set_end(tlsf::header(end)->end() - tlsf::previous_free);
    }
    state_.occupied = state.occupied;
}

inline std::byte* TlsfArena::try_take(std::size_t size) {
    const std::size_t needed = tlsf::length_for(size);
    if (size > largest_quick) [[unlikely]]
        return nullptr;
    const std::ptrdiff_t exact = Bins::own_bin_of(needed);
    State state = state_;
    std::uint64_t left = state.occupied >> (exact + Bins::first);
    if (left == 0) [[unlikely]]
        return nullptr;
    // One look at a block of about this length; an empty ring's head has none.
    Bin* bin = state.bin(exact);
    std::byte* block = tlsf::block_of(bin->ring.next);
    std::size_t length = tlsf::header(block)->length();
    if (length < needed) {
        left &= ~std::uint64_t{1};
        if (left == 0) [[unlikely]]
            return nullptr;
        bin += std::countr_zero(left);
        block = tlsf::block_of(bin->ring.next);
        length = tlsf::header(block)->length();
    }
    tlsf::Links* const node = tlsf::links(block);
    tlsf::Links* const next = node->next;
    if constexpr (heap_checks) {
        const std::byte* const end = tlsf::end_of(block, length);
        if (tlsf::header(block)->end() != tlsf::low(end) + tlsf::free) [[unlikely]]
            return nullptr;
        if (!state.is_place(next)) [[unlikely]]
            return nullptr;
        if (next->prev != node || node->prev != &bin->ring) [[unlikely]]
            return nullptr;
    }
    next->prev = &bin->ring;
    bin->ring.next = next;
    if (next == &bin->ring) state.occupied &= ~bin->mask;
    settle(block, length, needed, state);
    return block;
}

/// Moves `start`, where a block begins whose predecessor is free, to where that begins.
inline bool TlsfArena::join_previous(std::byte*& start, State& state) {
    std::byte* const block = start;
    start = tlsf::end_of(block, -static_cast<std::size_t>(*tlsf::footer(block)));
    if (heap_checks && !state.is_place(start)) [[unlikely]]
        return false;
    // A header whose block ends here has the right length.
    if (heap_checks && tlsf::header(start)->end() != tlsf::low(block) + tlsf::free) [[unlikely]]
        return false;
    if (!unlink(tlsf::links(start), state)) [[unlikely]]
        return false;
    // Ends where it starts: what a header says that is none any more.
    tlsf::header(block)->set_end(tlsf::low(block));
    return true;
}

/// Undoes that; a block's own links are as they were.
inline void TlsfArena::part_from_previous(std::byte* start, std::byte* block) {
    if (start == block) return;
    tlsf::Links* const node = tlsf::links(start);
    node->next->prev = node;
    node->prev->next = node;
    const std::byte* const end = tlsf::end_of(block, tlsf::header(block)->length());
    tlsf::header(block)->set_end(tlsf::low(end) + tlsf::previous_free);
}

/// Moves `end`, where a block to be freed ends, behind the next block if that is free, and tells
/// that block if it is not.
inline bool TlsfArena::join_next(std::byte*& end, State& state) {
    tlsf::Header* const next = tlsf::header(end);
    std::byte* const next_end = tlsf::end_of(end, next->length());
    const std::uint32_t word = next->end();
    const std::uint32_t flags = heap_checks ? word - tlsf::low(next_end) : (word & 1) * tlsf::free;
    if (flags == tlsf::free) {
        if (!unlink(tlsf::links(end), state)) [[unlikely]]
            return false;
        end = next_end;
        return true;
    }
    if ((flags & ~(tlsf::edge | tlsf::cached)) != 0) [[unlikely]]
        return false;
    next->set_end(word + tlsf::previous_free);
    return true;
}

inline auto TlsfArena::try_give(std::byte* block) -> Freed {
    State state = state_;
    if (heap_checks && !state.is_place(block)) [[unlikely]]
        return {};
    const std::uint32_t word = tlsf::header(block)->end();
    std::byte* start = block;
    std::byte* end = tlsf::end_of(block, tlsf::header(block)->length());
    const std::uint32_t flags = heap_checks ? word - tlsf::low(end) : word % tlsf::grain;
    if (flags != 0) {
        if (heap_checks && flags != tlsf::previous_free) [[unlikely]]
            return {};
        if (!join_previous(start, state)) [[unlikely]]
            return {};
    }
    if (!join_next(end, state)) [[unlikely]] {
        part_from_previous(start, block);
        return {};
    }
    const auto length = static_cast<std::size_t>(end - start);
    tlsf::header(start)->set(length, tlsf::low(end) + tlsf::free);
    *tlsf::footer(end) = length;
    insert(start, length, state);
    state_.occupied = state.occupied;
    return {start, length};
}

/// Where the header's flags are `flags`, apart from what others may change.
inline bool TlsfArena::change_length(std::byte* block, std::uint32_t flags, std::size_t by) {
    tlsf::Header* const own = tlsf::header(block);
    const std::size_t length = own->length();
    const std::uint32_t found = own->end() - tlsf::low(tlsf::end_of(block, length));
    if (heap_checks && (found & ~tlsf::previous_free) != flags) return false;
    own->set_length(length + by);
    return true;
}

}  // namespace cairn
