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
    [[nodiscard, gnu::always_inline]] bool unlink_first(Bin& bin, std::size_t length);
    [[nodiscard, gnu::always_inline]] static Bin* home_of(std::size_t length, const State& state);
    [[gnu::always_inline]] static void push(Bin& bin, std::byte* block, tlsf::Links* first);
    [[gnu::always_inline]] void settle(std::byte* block, std::size_t length, std::size_t needed,
                                       const State& state);
    [[nodiscard, gnu::always_inline]] static bool join_previous(std::byte*& start, State& state);
    static void part_from_previous(std::byte* start, std::byte* block);
    [[nodiscard, gnu::always_inline]] static bool join_next(std::byte*& end, std::uint32_t& word,
                                                            State& state);
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
    const auto agree = [node, next, prev] { return next->prev == node && prev->next == node; };
    if (next == prev) [[unlikely]] {
        // Both its neighbours in the ring are one: the head.
        if (heap_checks && !(state.is_place(next) && agree())) [[unlikely]]
            return false;
        state.occupied &= ~reinterpret_cast<Bin*>(next)->mask;
    } else if (heap_checks && !(state.are_places(next, prev) && agree())) [[unlikely]] {
        return false;
    }
    next->prev = prev;
    prev->next = next;
    return true;
}

/// The same for a ring's first member, which must be a free block of this length.
inline bool TlsfArena::unlink_first(Bin& bin, std::size_t length) {
    tlsf::Links* const head = &bin.ring;
    tlsf::Links* const node = head->next;
    tlsf::Links* const next = node->next;
    const bool is_last = next == head;
    if constexpr (heap_checks) {
        const std::byte* const block = tlsf::block_of(node);
        const std::uint32_t end = tlsf::low(tlsf::end_of(block, length));
        const bool is_free = tlsf::header(block)->end() == end + tlsf::free;
        if (!is_free || node->prev != head || !(is_last || state_.is_place(next)) ||
            next->prev != node) [[unlikely]]
            return false;
    }
    if (is_last) state_.occupied &= ~bin.mask;
    next->prev = head;
    head->next = next;
    return true;
}

/// Where a free block is filed.
inline auto TlsfArena::home_of(std::size_t length, const State& state) -> Bin* {
    std::ptrdiff_t home = Bins::count - 1 - Bins::first;
    if (length <= Bins::shared_from) [[likely]]
        home = Bins::own_bin_of(length);
    return state.bin(home);
}

/// Puts a free block into a ring, before the first member or the head.
inline void TlsfArena::push(Bin& bin, std::byte* block, tlsf::Links* first) {
    *tlsf::links(block) = {.next = first, .prev = &bin.ring};
    first->prev = tlsf::links(block);
    bin.ring.next = tlsf::links(block);
}

/// Uses `needed` bytes of an unlinked free block; what is left stays free.
inline void TlsfArena::settle(std::byte* block, std::size_t length, std::size_t needed,
                              const State& state) {
    std::byte* const end = tlsf::end_of(block, length);
    const std::size_t left = length - needed;
    if (left < tlsf::smallest_block) {
        tlsf::header(block)->set_end(tlsf::low(end));
        tlsf::header(end)->set_end(tlsf::header(end)->end() - tlsf::previous_free);
        return;
    }
    std::byte* const rest = block + needed;
    tlsf::header(block)->set(needed, tlsf::low(rest));
    tlsf::header(rest)->set(left, tlsf::low(end) + tlsf::free);
    *tlsf::footer(end) = rest;
    Bin* const home = home_of(left, state);
    tlsf::Links* const first = home->ring.next;
    if (first == &home->ring) [[unlikely]]
        state_.occupied |= home->mask;
    push(*home, rest, first);
}

inline std::byte* TlsfArena::try_take(std::size_t size) {
    if (size >= state_.quick) [[unlikely]]
        return nullptr;
    const std::size_t needed = tlsf::length_for(size);
    const std::ptrdiff_t exact = Bins::own_bin_of(needed);
    const State state = state_;
    // One look at a block of about this length; an empty ring's head has none.
    Bin* bin = state.bin(exact);
    std::byte* block = tlsf::block_of(bin->ring.next);
    std::size_t length = tlsf::header(block)->length();
    if (length < needed) {
        // The last bin's bit is always set.
        bin += std::countr_zero(state_.occupied >> (exact + Bins::first) & ~std::uint64_t{1});
        block = tlsf::block_of(bin->ring.next);
        length = tlsf::header(block)->length();
        if (!heap_checks && length < needed) return nullptr;
    }
    if (!unlink_first(*bin, length)) [[unlikely]]
        return nullptr;
    settle(block, length, needed, state);
    return block;
}

/// Moves `start`, where a block begins whose predecessor is free, to where that begins.
inline bool TlsfArena::join_previous(std::byte*& start, State& state) {
    std::byte* const block = start;
    start = *tlsf::footer(block);
    const std::uint32_t word = tlsf::low(block) + tlsf::free;
    if (heap_checks && !(state.is_place(start) && tlsf::header(start)->end() == word)) [[unlikely]]
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
/// that block if it is not. `word` is what the header of the freed block then says of its end.
inline bool TlsfArena::join_next(std::byte*& end, std::uint32_t& word, State& state) {
    tlsf::Header* const next = tlsf::header(end);
    std::byte* const next_end = tlsf::end_of(end, next->length());
    word = next->end();
    if (word == tlsf::low(next_end) + tlsf::free) [[likely]] {
        if (!unlink(tlsf::links(end), state)) [[unlikely]]
            return false;
        end = next_end;
        return true;
    }
    const std::uint32_t flags = word - tlsf::low(next_end);
    if (heap_checks && (flags & ~(tlsf::edge | tlsf::cached)) != 0) [[unlikely]]
        return false;
    next->set_end(word + tlsf::previous_free);
    word = tlsf::low(end) + tlsf::free;
    return true;
}

inline auto TlsfArena::try_give(std::byte* block) -> Freed {
    State state = state_;
    if (heap_checks && !state.is_place(block)) [[unlikely]]
        return {};
    std::byte* start = block;
    std::byte* end = tlsf::end_of(block, tlsf::header(block)->length());
    std::uint32_t word = tlsf::header(block)->end();
    if (word != tlsf::low(end)) {
        if (heap_checks && word != tlsf::low(end) + tlsf::previous_free) [[unlikely]]
            return {};
        if (!join_previous(start, state)) [[unlikely]]
            return {};
    }
    if (!join_next(end, word, state)) [[unlikely]] {
        part_from_previous(start, block);
        return {};
    }
    const auto length = static_cast<std::size_t>(end - start);
    tlsf::header(start)->set(length, word);
    *tlsf::footer(end) = start;
    Bin* const home = home_of(length, state);
    state_.occupied = state.occupied | home->mask;
    push(*home, start, home->ring.next);
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
