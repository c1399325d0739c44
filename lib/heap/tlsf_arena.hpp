// SPDX-License-Identifier: MIT
// Two-level segregated fit: blocks of any size in constant time, with eight bytes of overhead.
//
// An arena owns chunks of memory and cuts them into blocks (tlsf_block.hpp draws them). Free blocks
// of about one length form a ring through a head of their own; SizeBins says which ring serves a
// request, and one word which rings have members:
//
//     occupied_  ...0010001        chunk  [ used | free | used | used | free        | end ]
//                   │   └─ bin 0 ──────────────────►▲
//                   └───── bin 4 ──────────────────────────────────────►▲
//
// A freed block joins its free neighbours at once, so no two free blocks are ever neighbours, and a
// chunk whose blocks are all free is one free block. A request is served from the first bin whose
// every member holds it; failing that, from the bin that its own length falls into.
//
// With Checks::basic every header is compared with itself and every link that memory holds lies in
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

    /// The head of a bin's ring, and the bin's bit.
    struct [[gnu::may_alias]] Bin {
        tlsf::Links ring;
        std::uint64_t mask;
        std::uint64_t unused;
    };
    /// What `init` needs: links lead to the heads too, so these lie in the window.
    static constexpr std::size_t metadata_size = tlsf::grain + Bins::count * sizeof(Bin);
    /// The most that a chunk may have (chunks are as long as what joined them), so lengths fit.
    static constexpr std::size_t largest_chunk = 0xffff'fff0;
    /// Of a chunk, for its ends: what its largest block cannot hold.
    static constexpr std::size_t chunk_overhead = 2 * tlsf::grain - tlsf::header_size;
    /// The largest request served without a search.
    static constexpr std::size_t largest_quick = Bins::shared_from - tlsf::header_size;

    constexpr TlsfArena() = default;
    TlsfArena(const TlsfArena&) = delete;
    TlsfArena& operator=(const TlsfArena&) = delete;

    /// Starts without a chunk. All chunks and the metadata (metadata_size bytes, aligned to 16) lie
    /// in `window` (at most 64 GiB); both outlive the arena.
    void init(const FaultReporter& report, Region window, std::byte* metadata);

    /// Adds free memory; false, and nothing happens, where it is too short or too long. Memory that
    /// begins where the last chunk ends lengthens that chunk.
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

    /// What the user of a block may use. Needs no lock while the block is the caller's.
    [[nodiscard]] static std::size_t usable_size(const std::byte* block) {
        const std::uint32_t span = tlsf::header(block)->end - tlsf::low(block);
        return (span & ~std::uint32_t{tlsf::grain - 1}) - tlsf::header_size;
    }

    /// For caches: sets used blocks aside, which `give` then takes for free. False where `block` is
    /// not used (or not cached); it is as it was then. The owner of `block` needs no lock.
    static bool mark_cached(std::byte* block) { return restate(block, tlsf::used, tlsf::cached); }
    static bool unmark_cached(std::byte* block) { return restate(block, tlsf::cached, tlsf::used); }

    /// By looking at every free block, or at those of the last bin.
    [[nodiscard]] std::size_t free_bytes() const;
    [[nodiscard]] std::size_t largest_free() const;
    /// Calls `visit(block, length, state)` for each block in turn, `state` being tlsf::used, free or
    /// cached. A chunk ends early where a header is damaged; returns the first such, or nullptr.
    template <class Visitor>
    const std::byte* for_each_block(Visitor visit) const;
    /// Walks everything; each thing that is wrong is reported. Whether nothing was.
    bool check() const;

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

    static bool restate(std::byte* block, std::uint32_t from, std::uint32_t to) {
        tlsf::Header* const own = tlsf::header(block);
        const auto bytes = static_cast<std::uint32_t>(own->bytes());
        if (checked && own->end != ((tlsf::low(block) + bytes) | from)) return false;
        own->end = own->end ^ from ^ to;
        return true;
    }

    [[nodiscard, gnu::always_inline]] bool is_link(const tlsf::Links* node) const {
        return tlsf::address(node) > base_ && tlsf::address(node) < limit_ &&
               tlsf::address(node) % tlsf::grain == 0;
    }
    [[nodiscard, gnu::always_inline]] bool unlink(tlsf::Links* node, std::uint64_t& occupied);
    [[nodiscard, gnu::always_inline]] std::uint64_t insert(std::byte* block, std::size_t length,
                                                           std::uint64_t occupied);
    [[gnu::always_inline]] void settle(std::byte* block, std::size_t length, std::size_t needed,
                                       std::uint64_t occupied);

    /// Undoes the unlinking of the block before `block`, if there was any: its own links are as
    /// they were.
    static Freed relink(std::byte* block, std::byte* start) {
        if (start != block) {
            tlsf::Links* const node = tlsf::links(start);
            node->next->prev = node;
            node->prev->next = node;
        }
        return {};
    }
    [[nodiscard]] bool is_in_window(const std::byte* block) const {
        return tlsf::address(block) > base_ && tlsf::address(block) < limit_ &&
               tlsf::address(block) % tlsf::grain == 0;
    }
    [[nodiscard]] bool is_sound(std::byte* block, std::uint32_t state) const;
    [[nodiscard]] bool is_in_use(std::byte* block) const;
    [[nodiscard]] bool is_linked(tlsf::Links* node) const;
    std::byte* search(std::size_t needed, std::size_t alignment, std::size_t steps, unsigned from);
    std::byte* carve(std::byte* block, std::byte* at, std::size_t needed);
    void abandon(Bin& bin, std::byte* block, HeapFaultKind kind);
    void diagnose(std::byte* block) const;
    [[nodiscard]] HeapFaultKind place(const std::byte* block) const;
    [[nodiscard]] Region chunk_of(std::byte* block, std::size_t length) const;
    [[nodiscard]] ChunkLinks* chunk(std::uint32_t place) const;
    bool check_blocks(std::size_t& free_count) const;
    bool check_bins(std::size_t free_count) const;
    void report(HeapFaultKind kind, const std::byte* block, std::size_t length = 0) const;

    std::uintptr_t base_ = 0;   ///< of the window; nothing points there
    std::uintptr_t limit_ = 0;  ///< the window's end
    Bin* bins_ = nullptr;
    std::uint64_t occupied_ = 0;
    std::uint32_t chunks_ = no_chunk;
    std::byte* last_end_ = nullptr;
    const FaultReporter* report_ = nullptr;
};

/// Takes `node` out of its ring, if its links agree; clears the bin's bit with the last member.
template <Checks checks>
bool TlsfArena<checks>::unlink(tlsf::Links* node, std::uint64_t& occupied) {
    tlsf::Links* const next = node->next;
    tlsf::Links* const prev = node->prev;
    if constexpr (checked) {
        if (!is_link(next) || !is_link(prev)) [[unlikely]]
            return false;
        if (next->prev != node || prev->next != node) [[unlikely]]
            return false;
    }
    next->prev = prev;
    prev->next = next;
    // Both its neighbours in the ring are one: the head.
    if (next == prev) occupied &= ~reinterpret_cast<Bin*>(next)->mask;
    return true;
}

/// Files a free block; returns what `occupied_` becomes.
template <Checks checks>
std::uint64_t TlsfArena<checks>::insert(std::byte* block, std::size_t length,
                                        std::uint64_t occupied) {
    Bin* const bin = bins_ + Bins::bin_of(length);
    tlsf::Links* const node = tlsf::links(block);
    tlsf::Links* const first = bin->ring.next;
    node->next = first;
    node->prev = &bin->ring;
    first->prev = node;
    bin->ring.next = node;
    return occupied | bin->mask;
}

/// Uses `needed` bytes of an unlinked free block; what is left stays free.
template <Checks checks>
void TlsfArena<checks>::settle(std::byte* block, std::size_t length, std::size_t needed,
                               std::uint64_t occupied) {
    std::byte* const end = block + length;
    const std::size_t left = length - needed;
    if (left >= tlsf::smallest_block) {
        std::byte* const rest = block + needed;
        *tlsf::header(block) = {static_cast<std::uint32_t>(needed), tlsf::low(rest)};
        *tlsf::header(rest) = {static_cast<std::uint32_t>(left), tlsf::low(end) | tlsf::free};
        *tlsf::footer(end) = left;
        occupied = insert(rest, left, occupied);
    } else {
        tlsf::header(block)->end = tlsf::low(end);
        tlsf::header(end)->length &= ~tlsf::previous_free;
    }
    occupied_ = occupied;
}

template <Checks checks>
std::byte* TlsfArena<checks>::try_take(std::size_t size) {
    if (size > largest_quick) [[unlikely]]
        return nullptr;
    const std::size_t needed = tlsf::length_for(size);
    const unsigned first = Bins::bin_that_surely_holds(needed);
    const std::uint64_t left = occupied_ >> first;
    if (left == 0) [[unlikely]]
        return nullptr;
    Bin* const bin = bins_ + first + std::countr_zero(left);
    tlsf::Links* const node = bin->ring.next;
    std::byte* const block = tlsf::block_of(node);
    const std::size_t length = tlsf::header(block)->length;
    tlsf::Links* const next = node->next;
    if constexpr (checked) {
        if (tlsf::header(block)->end != (tlsf::low(block + length) | tlsf::free)) [[unlikely]]
            return nullptr;
        if (!is_link(next) || next->prev != node || node->prev != &bin->ring) [[unlikely]]
            return nullptr;
    }
    next->prev = &bin->ring;
    bin->ring.next = next;
    std::uint64_t occupied = occupied_;
    if (next == &bin->ring) occupied &= ~bin->mask;
    settle(block, length, needed, occupied);
    return block;
}

template <Checks checks>
auto TlsfArena<checks>::try_give(std::byte* block) -> Freed {
    if (checked && !is_in_window(block)) [[unlikely]]
        return {};
    tlsf::Header* const own = tlsf::header(block);
    std::size_t length = own->bytes();
    std::byte* end = block + length;
    if (checked && own->end != tlsf::low(end)) [[unlikely]]
        return {};
    std::byte* start = block;
    std::uint64_t occupied = occupied_;
    if ((own->length & tlsf::previous_free) != 0) {
        const std::size_t before = *tlsf::footer(block);
        if constexpr (checked) {
            if (before >= tlsf::address(block) - base_ || before % tlsf::grain != 0) [[unlikely]]
                return {};
        }
        start = block - before;
        if constexpr (checked) {
            const tlsf::Header* const found = tlsf::header(start);
            if (found->length != before || found->end != (tlsf::low(block) | tlsf::free))
                [[unlikely]]
                return {};
        }
        if (!unlink(tlsf::links(start), occupied)) [[unlikely]]
            return {};
        length += before;
    }
    tlsf::Header* const next = tlsf::header(end);
    std::byte* const next_end = end + next->bytes();
    const std::uint32_t state = checked ? next->end - tlsf::low(next_end) : next->end & tlsf::free;
    if (state == tlsf::free) {
        if (!unlink(tlsf::links(end), occupied)) [[unlikely]]
            return relink(block, start);
        length += next->length;
        end = next_end;
    } else {
        if (state != tlsf::used && state != tlsf::cached && state != tlsf::edge) [[unlikely]]
            return relink(block, start);
        next->length |= tlsf::previous_free;
    }
    // Ends where it starts: what a header says that is none any more.
    own->end = tlsf::low(block);
    *tlsf::header(start) = {static_cast<std::uint32_t>(length), tlsf::low(end) | tlsf::free};
    *tlsf::footer(end) = length;
    occupied_ = insert(start, length, occupied);
    return {start, length};
}

template <Checks checks>
template <class Visitor>
const std::byte* TlsfArena<checks>::for_each_block(Visitor visit) const {
    const std::byte* damaged = nullptr;
    // Each chunk holds at least this, so there are no more of them unless their links are damaged.
    std::size_t left = (limit_ - base_) / (tlsf::smallest_block + tlsf::grain);
    for (std::uint32_t at = chunks_; at != no_chunk; at = chunk(at)->next) {
        std::byte* block = reinterpret_cast<std::byte*>(chunk(at)) + tlsf::grain;
        if (left-- == 0 || !is_in_window(block)) return block;
        for (; !is_sound(block, tlsf::edge); block += tlsf::header(block)->bytes()) {
            const std::uint32_t state = tlsf::header(block)->end & tlsf::states;
            if (state == tlsf::edge || !is_sound(block, state)) {
                if (damaged == nullptr) damaged = block;
                break;
            }
            visit(block, tlsf::header(block)->bytes(), state);
        }
    }
    return damaged;
}

extern template class TlsfArena<Checks::basic>;
extern template class TlsfArena<Checks::none>;

}  // namespace cairn
