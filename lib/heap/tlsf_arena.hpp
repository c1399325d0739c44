// SPDX-License-Identifier: MIT
// Two-level segregated fit: blocks of any size in constant time, with eight bytes of overhead.
//
// An arena owns chunks of memory and cuts them into blocks (tlsf_block.hpp draws them). Free blocks
// of about one length form a ring through a head of their own; SizeBins says which ring serves a
// request, and one word which rings have members:
//
//     occupied  ...0010001        chunk  [ used | free | used | used | free        | edge ]
//                  │   └─ bin 0 ──────────────────►▲
//                  └───── bin 4 ──────────────────────────────────────►▲
//
// A freed block joins its free neighbours at once, so no two free blocks are ever neighbours, and a
// chunk whose blocks are all free is one free block. A request looks at one block of the bin that
// its own length falls into, then takes from the first bin whose every member holds it.
//
// With Checks::basic every header is compared with itself, and every link that memory holds lies in
// the window, is aligned, and is answered by its counterpart before it is followed. What disagrees
// is reported and left alone. No locking: the owner guards the arena (TlsfHeap, HeapCore).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "lib/heap/heap_fault.hpp"
#include "lib/heap/region.hpp"
#include "lib/heap/size_bins.hpp"
#include "lib/heap/tlsf_block.hpp"

namespace cairn {

template <Checks checks>
class TlsfArena {
  public:
    using Bins = SizeBins<5>;

    /// The head of a bin's ring, and the bin's bit. Before each of them lie eight bytes of zero, as
    /// where a block has its header.
    struct [[gnu::may_alias]] Bin {
        tlsf::Links ring;
        std::uint64_t mask;
        std::uint64_t zero;
    };
    /// What `init` needs: links lead to the heads too, so these lie in the window.
    static constexpr std::size_t metadata_size = tlsf::grain + Bins::count * sizeof(Bin);
    /// The most that a chunk may have (a chunk is as long as all that joined it), so lengths fit.
    static constexpr std::size_t largest_chunk = 0x7fff'fff0;
    /// Of a chunk, for its ends: what its largest block cannot hold.
    static constexpr std::size_t chunk_overhead = 2 * tlsf::grain - tlsf::header_size;
    /// The largest request served without a search (a round number, which is cheap to compare).
    static constexpr std::size_t largest_quick = Bins::shared_from - 4096;

    constexpr TlsfArena() = default;
    TlsfArena(const TlsfArena&) = delete;
    TlsfArena& operator=(const TlsfArena&) = delete;

    /// Starts without a chunk. All chunks and the metadata (metadata_size bytes, aligned to 16) lie
    /// in `window` (at most 64 GiB); both outlive the arena.
    void init(const FaultReporter& report, Region window, std::byte* metadata);

    /// Adds free memory; false, and nothing happens, where it is too short, too long, or not in the
    /// window. Memory that begins where the last chunk ends lengthens that chunk.
    bool add_chunk(std::byte* base, std::size_t size);

    /// A block of at least `size` bytes; nullptr where none was found by looking at a bounded
    /// number of blocks.
    [[nodiscard]] std::byte* take(std::size_t size);
    /// As above at a multiple of `alignment`, a power of two. What is skipped stays free.
    [[nodiscard]] std::byte* take_aligned(std::size_t size, std::size_t alignment);
    /// The last try: looks at every free block that could do.
    [[nodiscard]] std::byte* take_thoroughly(std::size_t size, std::size_t alignment);

    /// Takes a block back; the whole chunk if it is now entirely free, else nothing. The chunk
    /// stays the arena's until `remove_chunk`.
    Region give(std::byte* block);
    void remove_chunk(Region chunk);
    /// The chunk at `base` if it is entirely free, else nothing.
    [[nodiscard]] Region free_chunk(std::byte* base);

    /// Changes a block's length where it lies, or says no and changes nothing.
    [[nodiscard]] bool resize(std::byte* block, std::size_t new_size);

    /// What the user of a block, or the cache that it is in, may use. Needs no lock: nobody else
    /// changes it.
    [[nodiscard]] static std::size_t usable_size(const std::byte* block) {
        return ((tlsf::header(block)->length() + tlsf::cached) & ~(tlsf::grain - 1)) -
               tlsf::header_size;
    }

    /// For caches: sets a used block aside, so that it counts as free for `give`, and back. False,
    /// and nothing happens, where `block` is none that is used (or cached). Needs no lock either.
    static bool mark_cached(std::byte* block) {
        return change_length(block, 0, -std::size_t{tlsf::cached});
    }
    static bool unmark_cached(std::byte* block) {
        return change_length(block, tlsf::cached, tlsf::cached);
    }

    /// By looking at every free block, or at those of the last bin.
    [[nodiscard]] std::size_t free_bytes() const;
    [[nodiscard]] std::size_t largest_free() const;
    /// Calls `visit(from, to)` for what lies in free blocks of `least` bytes or more and is not
    /// needed: all but their links and lengths.
    template <class Visitor>
    void for_each_free_space(std::size_t least, Visitor visit) const;
    /// Calls `visit(block, tlsf::View)` for each block in turn. A chunk ends early where a header
    /// is damaged; returns the first such, or nullptr.
    template <class Visitor>
    const std::byte* for_each_block(Visitor visit) const;
    /// Walks everything; each thing that is wrong is reported. Whether nothing was.
    bool check() const;
    /// Reports `kind` of a used block, or what else is wrong with `block`.
    void refuse(std::byte* block, HeapFaultKind kind) const;

    // The quick paths, for owners that want them inline. They change nothing where they fail, and
    // what is to be done then is take's and give's work.
    struct Freed {
        std::byte* block = nullptr;  ///< with its neighbours; nullptr: there is something wrong
        std::size_t length = 0;
    };
    [[nodiscard, gnu::always_inline]] std::byte* try_take(std::size_t size);
    [[nodiscard, gnu::always_inline]] Freed try_give(std::byte* block);

  private:
    /// At a chunk's start, where no block's header lies. In grains from the window's base.
    struct [[gnu::may_alias]] ChunkLinks {
        std::uint32_t next;
        std::uint32_t prev;
    };
    static constexpr std::uint32_t no_chunk = UINT32_MAX;
    static constexpr bool checked = checks == Checks::basic;
    static constexpr unsigned walk_steps = 32;

    /// What the quick paths keep in registers, as no store to a block changes it.
    struct State {
        std::uintptr_t base = 0;   ///< of the window; nothing points there
        std::uintptr_t limit = 0;  ///< the window's end
        Bin* bins = nullptr;
        std::uint64_t occupied = 0;

        [[nodiscard]] bool holds(const void* pointer) const {
            return tlsf::address(pointer) > base && tlsf::address(pointer) < limit;
        }
    };

    [[nodiscard, gnu::always_inline]] static bool unlink(tlsf::Links* node, State& state);
    [[gnu::always_inline]] static void insert(std::byte* block, std::size_t length, State& state);
    [[gnu::always_inline]] void settle(std::byte* block, std::size_t length, std::size_t needed,
                                       State& state);
    static Freed undo(std::byte* next, bool was_free);
    static bool change_length(std::byte* block, std::uint32_t flags, std::size_t by);

    /// Whether a block or a link may be there.
    [[nodiscard]] bool is_place(const void* pointer) const {
        return state_.holds(pointer) && tlsf::is_aligned(pointer);
    }
    [[gnu::cold]] std::byte* take_searching(std::size_t size, std::size_t alignment,
                                            std::size_t steps);
    [[gnu::cold]] std::byte* search(unsigned from, std::size_t needed, std::size_t alignment,
                                    std::size_t steps);
    [[gnu::cold]] void abandon(Bin& bin, const std::byte* block);
    std::byte* carve(std::byte* block, std::size_t skip, std::size_t needed);
    [[gnu::noinline]] bool remove(std::byte* block);
    [[gnu::noinline]] void file(std::byte* block, std::size_t length);
    [[gnu::noinline]] void cut(std::byte* block, std::size_t length, std::size_t needed);

    [[nodiscard]] static Region chunk_of(std::byte* block, std::size_t length);
    [[nodiscard]] ChunkLinks* chunk(std::uint32_t place) const;

    [[nodiscard]] bool is_sound(const std::byte* block, tlsf::View seen) const;
    [[nodiscard]] bool is_free(const std::byte* block) const;
    [[nodiscard]] bool is_taken(const std::byte* block) const;
    [[nodiscard]] bool is_linked(const tlsf::Links* node) const;
    [[gnu::cold]] void report(HeapFaultKind kind, const std::byte* block) const;
    [[nodiscard, gnu::cold]] HeapFaultKind judge(const std::byte* place) const;
    [[gnu::cold]] void diagnose(std::byte* block) const;
    struct Free {
        std::size_t total = 0;
        std::size_t largest = 0;
    };
    [[nodiscard, gnu::cold]] Free count_free(unsigned first) const;
    [[gnu::cold]] bool check_blocks(std::size_t& free_count) const;
    [[gnu::cold]] bool check_bins(std::size_t free_count) const;

    State state_;
    std::uint32_t chunks_ = no_chunk;
    std::byte* last_end_ = nullptr;
    const FaultReporter* report_ = nullptr;
};

/// Takes `node` out of its ring, if its links agree; clears the bin's bit with the last member.
template <Checks checks>
inline bool TlsfArena<checks>::unlink(tlsf::Links* node, State& state) {
    tlsf::Links* const next = node->next;
    tlsf::Links* const prev = node->prev;
    if constexpr (checked) {
        if (!state.holds(next) || !state.holds(prev)) [[unlikely]]
            return false;
        if (((tlsf::address(next) | tlsf::address(prev)) & (tlsf::grain - 1)) != 0) [[unlikely]]
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

/// Files a free block.
template <Checks checks>
inline void TlsfArena<checks>::insert(std::byte* block, std::size_t length, State& state) {
    Bin* const bin = state.bins + Bins::bin_of(length);
    tlsf::Links* const node = tlsf::links(block);
    tlsf::Links* const first = bin->ring.next;
    state.occupied |= bin->mask;
    node->next = first;
    node->prev = &bin->ring;
    first->prev = node;
    bin->ring.next = node;
}

/// Uses `needed` bytes of an unlinked free block; what is left stays free.
template <Checks checks>
inline void TlsfArena<checks>::settle(std::byte* block, std::size_t length, std::size_t needed,
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

template <Checks checks>
inline std::byte* TlsfArena<checks>::try_take(std::size_t size) {
    const std::size_t needed = tlsf::length_for(size);
    if (size > largest_quick) [[unlikely]]
        return nullptr;
    const std::size_t exact = Bins::own_bin_of(needed);
    State state = state_;
    std::uint64_t left = state.occupied >> exact;
    if (left == 0) [[unlikely]]
        return nullptr;
    // One look at a block of about this length; an empty ring's head has none.
    Bin* bin = state.bins + exact;
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
    if constexpr (checked) {
        const std::byte* const end = tlsf::end_of(block, length);
        if (tlsf::header(block)->end() != tlsf::low(end) + tlsf::free) [[unlikely]]
            return nullptr;
        if (!state.holds(next) || !tlsf::is_aligned(next)) [[unlikely]]
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

template <Checks checks>
inline auto TlsfArena<checks>::try_give(std::byte* block) -> Freed {
    State state = state_;
    if (checked && !(state.holds(block) && tlsf::is_aligned(block))) [[unlikely]]
        return {};
    tlsf::Header* const own = tlsf::header(block);
    std::byte* const next = tlsf::end_of(block, own->length());
    const std::uint32_t flags = checked ? own->end() - tlsf::low(next) : own->end() % tlsf::grain;
    if (checked && (flags & ~tlsf::previous_free) != 0) [[unlikely]]
        return {};

    std::byte* const next_end = tlsf::end_of(next, tlsf::header(next)->length());
    const std::uint32_t next_word = tlsf::header(next)->end();
    const std::uint32_t next_flags =
        checked ? next_word - tlsf::low(next_end) : (next_word & 1) * tlsf::free;
    std::byte* end = next;
    if (next_flags == tlsf::free) {
        if (!unlink(tlsf::links(next), state)) [[unlikely]]
            return {};
        end = next_end;
    } else {
        if ((next_flags & ~(tlsf::edge | tlsf::cached)) != 0) [[unlikely]]
            return {};
        tlsf::header(next)->set_end(next_word + tlsf::previous_free);
    }

    std::byte* start = block;
    if (flags != 0) {
        const std::size_t before = *tlsf::footer(block);
        if (checked && before >= tlsf::address(block) - state.base) [[unlikely]]
            return undo(next, end != next);
        start -= before & ~(tlsf::grain - 1);
        // A header whose block ends here has the right length.
        if (checked && tlsf::header(start)->end() != tlsf::low(block) + tlsf::free) [[unlikely]]
            return undo(next, end != next);
        if (!unlink(tlsf::links(start), state)) [[unlikely]]
            return undo(next, end != next);
        // Ends where it starts: what a header says that is none any more.
        own->set_end(tlsf::low(block));
    }
    const auto length = static_cast<std::size_t>(end - start);
    tlsf::header(start)->set(length, tlsf::low(end) + tlsf::free);
    *tlsf::footer(end) = length;
    insert(start, length, state);
    state_.occupied = state.occupied;
    return {start, length};
}

/// Undoes what `try_give` did to the next block, whose own links are as they were.
template <Checks checks>
inline auto TlsfArena<checks>::undo(std::byte* next, bool was_free) -> Freed {
    if (was_free) {
        tlsf::Links* const node = tlsf::links(next);
        node->next->prev = node;
        node->prev->next = node;
    } else {
        tlsf::header(next)->set_end(tlsf::header(next)->end() - tlsf::previous_free);
    }
    return {};
}

/// Where the header's flags are `flags`, apart from what others may change.
template <Checks checks>
inline bool TlsfArena<checks>::change_length(std::byte* block, std::uint32_t flags,
                                             std::size_t by) {
    tlsf::Header* const own = tlsf::header(block);
    const std::size_t length = own->length();
    const std::uint32_t found = own->end() - tlsf::low(tlsf::end_of(block, length));
    if (checked && (found & ~tlsf::previous_free) != flags) return false;
    own->set_length(length + by);
    return true;
}

template <Checks checks>
template <class Visitor>
void TlsfArena<checks>::for_each_free_space(std::size_t least, Visitor visit) const {
    for (std::size_t i = Bins::bin_of(least); i < Bins::count; ++i) {
        tlsf::Links* const head = &state_.bins[i].ring;
        for (tlsf::Links* node = head->next; node != head; node = node->next) {
            std::byte* const block = tlsf::block_of(node);
            if (!is_free(block) || !is_linked(node)) break;
            const std::size_t length = tlsf::header(block)->length();
            if (length >= least) visit(block + sizeof(tlsf::Links), block + length - tlsf::grain);
        }
    }
}

template <Checks checks>
template <class Visitor>
const std::byte* TlsfArena<checks>::for_each_block(Visitor visit) const {
    const std::byte* damaged = nullptr;
    // Each chunk holds at least this, so there are no more of them unless their links are damaged.
    std::size_t left = (state_.limit - state_.base) / (tlsf::smallest_block + tlsf::grain);
    for (std::uint32_t at = chunks_; at != no_chunk; at = chunk(at)->next) {
        std::byte* block = reinterpret_cast<std::byte*>(chunk(at)) + tlsf::grain;
        if (left-- == 0 || !is_place(block)) return block;
        tlsf::View seen = tlsf::view(block);
        for (; !seen.is_edge(); seen = tlsf::view(block)) {
            if (!is_sound(block, seen)) {
                if (damaged == nullptr) damaged = block;
                break;
            }
            visit(block, seen);
            block += seen.length;
        }
    }
    return damaged;
}

extern template class TlsfArena<Checks::basic>;
extern template class TlsfArena<Checks::none>;

}  // namespace cairn
