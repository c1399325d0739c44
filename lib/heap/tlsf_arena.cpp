// SPDX-License-Identifier: MIT
#include "lib/heap/tlsf_arena.hpp"

#include <algorithm>

#include "lib/bits.hpp"

namespace cairn {

using namespace tlsf;

template <Checks checks>
void TlsfArena<checks>::init(const FaultReporter& report, Region window, std::byte* metadata) {
    report_ = &report;
    state_.base = address(window.base);
    state_.limit = state_.base + window.size;
    // Links are greater than the window's base, too.
    *reinterpret_cast<Bin*>(metadata) = {};
    state_.bins = reinterpret_cast<Bin*>(metadata + grain);
    for (unsigned i = 0; i < Bins::count; ++i) {
        Links* const head = &state_.bins[i].ring;
        state_.bins[i] = {.ring = {head, head}, .mask = std::uint64_t{1} << i, .zero = 0};
    }
}

// --- taking and giving ---------------------------------------------------------------------------

template <Checks checks>
std::byte* TlsfArena<checks>::take(std::size_t size) {
    std::byte* const block = try_take(size);
    if (block == nullptr) [[unlikely]]
        return take_searching(size, grain, walk_steps);
    return block;
}

template <Checks checks>
std::byte* TlsfArena<checks>::take_aligned(std::size_t size, std::size_t alignment) {
    return take_searching(size, alignment, walk_steps);
}

template <Checks checks>
std::byte* TlsfArena<checks>::take_thoroughly(std::size_t size, std::size_t alignment) {
    return take_searching(size, alignment, SIZE_MAX);
}

/// First where there may be a place, then where there must be one.
template <Checks checks>
std::byte* TlsfArena<checks>::take_searching(std::size_t size, std::size_t alignment,
                                             std::size_t steps) {
    if (size > largest_chunk - grain || alignment > largest_chunk) return nullptr;
    const std::size_t needed = length_for(size);
    const std::size_t gap = alignment <= grain ? 0 : alignment + grain;
    std::byte* const block = search(Bins::bin_of(needed), needed, alignment, steps);
    return block != nullptr ? block
                            : search(Bins::bin_that_holds(needed + gap), needed, alignment, 1);
}

/// Looks through the bins from `from` on, at `steps` blocks at most.
template <Checks checks>
std::byte* TlsfArena<checks>::search(unsigned from, std::size_t needed, std::size_t alignment,
                                     std::size_t steps) {
    for (unsigned i = from; i < Bins::count; ++i) {
        if ((state_.occupied >> i & 1) == 0) continue;
        Bin& bin = state_.bins[i];
        for (Links* node = bin.ring.next; node != &bin.ring; node = node->next) {
            std::byte* const block = block_of(node);
            if (checked && !(is_free(block) && is_linked(node))) {
                abandon(bin, block);
                break;
            }
            std::size_t skip = -address(block) & (alignment - 1);
            // What is skipped must hold a free block.
            if (skip == grain && alignment > grain) skip += alignment;
            if (skip + needed <= header(block)->length()) return carve(block, skip, needed);
            if (--steps == 0) return nullptr;
        }
    }
    return nullptr;
}

/// Lets a ring go whose member `block` is damaged: its blocks are lost, the heap goes on.
template <Checks checks>
void TlsfArena<checks>::abandon(Bin& bin, const std::byte* block) {
    bin.ring = {&bin.ring, &bin.ring};
    state_.occupied &= ~bin.mask;
    report(is_free(block) ? HeapFaultKind::corrupt_free_list : HeapFaultKind::corrupt_header,
           block);
}

/// Uses `needed` bytes, `skip` bytes into a free block.
template <Checks checks>
std::byte* TlsfArena<checks>::carve(std::byte* block, std::size_t skip, std::size_t needed) {
    const std::size_t length = header(block)->length();
    if (!remove(block)) return nullptr;
    std::byte* const at = block + skip;
    header(at)->set_length(length - skip);
    cut(at, length - skip, needed);
    if (skip != 0) {
        header(at)->set_end(header(at)->end() + previous_free);
        file(block, skip);
    }
    return at;
}

template <Checks checks>
Region TlsfArena<checks>::give(std::byte* block) {
    const Freed freed = try_give(block);
    if (checked && freed.block == nullptr) [[unlikely]] {
        diagnose(block);
        return {};
    }
    return chunk_of(freed.block, freed.length);
}

/// The chunk that a free block fills: the end that follows it tells how long the chunk is.
template <Checks checks>
Region TlsfArena<checks>::chunk_of(std::byte* block, std::size_t length) {
    const View next = view(end_of(block, length));
    if (!next.is_edge() || next.length != length + grain) return {};
    return {.base = block - grain, .size = length + grain};
}

template <Checks checks>
bool TlsfArena<checks>::resize(std::byte* block, std::size_t new_size) {
    if (checked && !(is_place(block) && is_taken(block))) {
        diagnose(block);
        return false;
    }
    if (new_size > largest_chunk - grain) return false;
    const std::size_t needed = length_for(new_size);
    Header* const own = header(block);
    std::size_t length = own->length();
    std::byte* const next = block + length;
    const View neighbour = view(next);
    if (neighbour.is_free()) {
        if (needed > length + neighbour.length) return false;
        if (!remove(next)) {
            diagnose(block);
            return false;
        }
        length += neighbour.length;
    } else if (checked && !neighbour.is_used() && !neighbour.is_edge()) {
        diagnose(block);
        return false;
    } else if (needed > length || length - needed < smallest_block) {
        return needed <= length;
    }
    // As if it had been taken just now, from one free block.
    const std::uint32_t flags = view(block).flags;
    if (!neighbour.is_free()) header(next)->set_end(header(next)->end() + previous_free);
    own->set_length(length);
    cut(block, length, needed);
    own->set_end(own->end() + flags);
    return true;
}

// --- the inline parts, for those who are in no hurry ---------------------------------------------

template <Checks checks>
bool TlsfArena<checks>::remove(std::byte* block) {
    State state = state_;
    const bool removed = unlink(links(block), state);
    state_.occupied = state.occupied;
    return removed;
}

template <Checks checks>
void TlsfArena<checks>::file(std::byte* block, std::size_t length) {
    State state = state_;
    header(block)->set(length, low(block + length) + tlsf::free);
    *footer(block + length) = length;
    insert(block, length, state);
    state_.occupied = state.occupied;
}

template <Checks checks>
void TlsfArena<checks>::cut(std::byte* block, std::size_t length, std::size_t needed) {
    State state = state_;
    settle(block, length, needed, state);
}

// --- chunks --------------------------------------------------------------------------------------

template <Checks checks>
auto TlsfArena<checks>::chunk(std::uint32_t place) const -> ChunkLinks* {
    return reinterpret_cast<ChunkLinks*>(state_.base + std::uintptr_t{place} * grain);
}

template <Checks checks>
bool TlsfArena<checks>::add_chunk(std::byte* base, std::size_t size) {
    const std::size_t skip = -address(base) & (grain - 1);
    if (size < skip + grain + smallest_block) return false;
    base += skip;
    size = align_down(size - skip, grain);
    if (size > largest_chunk || address(base) < state_.base || address(base) > state_.limit ||
        size > state_.limit - address(base)) {
        return false;
    }
    std::byte* const end = base + size;
    std::byte* block = base + grain;
    std::size_t total = size;
    std::uint32_t flags = 0;
    if (base == last_end_ && header(base)->length() <= largest_chunk - size) {
        // The end of the last chunk becomes the header of a used block.
        flags = view(base).flags - edge;
        total += header(base)->length();
        block = base;
    } else {
        const auto place = static_cast<std::uint32_t>((address(base) - state_.base) / grain);
        *chunk(place) = {.next = chunks_, .prev = no_chunk};
        if (chunks_ != no_chunk) chunk(chunks_)->prev = place;
        chunks_ = place;
    }
    header(block)->set(static_cast<std::size_t>(end - block), low(end) + flags);
    header(end)->set(total, low(end_of(end, total)) + edge);
    last_end_ = end;
    (void)give(block);
    return true;
}

template <Checks checks>
Region TlsfArena<checks>::free_chunk(std::byte* base) {
    std::byte* const block = base + grain;
    if (!is_place(block) || !is_free(block)) return {};
    return chunk_of(block, header(block)->length());
}

template <Checks checks>
void TlsfArena<checks>::remove_chunk(Region region) {
    if (region.base == nullptr || free_chunk(region.base) != region) return;
    if (!remove(region.base + grain)) return;
    const auto place = static_cast<std::uint32_t>((address(region.base) - state_.base) / grain);
    const ChunkLinks own = *chunk(place);
    (own.prev == no_chunk ? chunks_ : chunk(own.prev)->next) = own.next;
    if (own.next != no_chunk) chunk(own.next)->prev = own.prev;
    if (last_end_ == region.base + region.size) last_end_ = nullptr;
}

// --- looking -------------------------------------------------------------------------------------

/// Whether a header is one of a block that lies in the window.
template <Checks checks>
bool TlsfArena<checks>::is_sound(const std::byte* block, View seen) const {
    return (seen.is_free() || seen.is_used()) && seen.length >= smallest_block &&
           seen.length <= state_.limit - address(block);
}

template <Checks checks>
bool TlsfArena<checks>::is_free(const std::byte* block) const {
    const View seen = view(block);
    return seen.is_free() && is_sound(block, seen);
}

/// Whether its user has it.
template <Checks checks>
bool TlsfArena<checks>::is_taken(const std::byte* block) const {
    const View seen = view(block);
    return !seen.is_free() && (seen.flags & cached) == 0 && is_sound(block, seen);
}

/// Whether the links of a free block are answered.
template <Checks checks>
bool TlsfArena<checks>::is_linked(const Links* node) const {
    return is_place(node->next) && is_place(node->prev) && node->next->prev == node &&
           node->prev->next == node;
}

template <Checks checks>
void TlsfArena<checks>::report(HeapFaultKind kind, const std::byte* block) const {
    (*report_)(kind, block, is_sound(block, view(block)) ? usable_size(block) : 0);
}

/// What is wrong with a place that has no header which makes sense.
template <Checks checks>
HeapFaultKind TlsfArena<checks>::judge(const std::byte* place) const {
    auto kind = HeapFaultKind::foreign_pointer;
    const std::byte* const damaged = for_each_block([&](const std::byte* block, View seen) {
        if (place < block || place >= block + seen.length) return;
        kind = seen.is_free() ? HeapFaultKind::double_free : HeapFaultKind::invalid_pointer;
    });
    const bool unknown = kind == HeapFaultKind::foreign_pointer && damaged != nullptr;
    return unknown ? HeapFaultKind::corrupt_header : kind;
}

/// Says what made `try_give(block)` fail.
template <Checks checks>
void TlsfArena<checks>::diagnose(std::byte* block) const {
    using enum HeapFaultKind;
    if (!state_.holds(block)) return (*report_)(foreign_pointer, block);
    if (!is_place(block)) return (*report_)(invalid_pointer, block);
    if (!is_taken(block)) {
        const View own = view(block);
        const bool was_one = is_sound(block, own) || header(block)->end() == low(block);
        return report(was_one ? double_free : judge(block), block);
    }
    std::byte* const next = block + header(block)->length();
    const View neighbour = view(next);
    if (is_free(next)) {
        if (!is_linked(links(next))) return report(corrupt_free_list, next);
    } else if (!neighbour.is_edge() && !is_sound(next, neighbour)) {
        return report(overflow, block);
    }
    if (view(block).flags == 0) return;
    const std::size_t before = *footer(block);
    if (before % grain != 0 || before >= address(block) - state_.base) {
        return (*report_)(use_after_free, block - grain);
    }
    std::byte* const previous = block - before;
    const bool agrees = is_free(previous) && header(previous)->length() == before;
    report(agrees ? corrupt_free_list : use_after_free, agrees ? previous : block - grain);
}

template <Checks checks>
void TlsfArena<checks>::refuse(std::byte* block, HeapFaultKind kind) const {
    if (!is_place(block) || !is_taken(block)) return diagnose(block);
    report(kind, block);
}

/// The bytes in the rings of the bins from `first` on: all together, and the most in one block.
template <Checks checks>
auto TlsfArena<checks>::count_free(unsigned first) const -> Free {
    Free found;
    for (unsigned i = first; i < Bins::count; ++i) {
        if ((state_.occupied >> i & 1) == 0) continue;
        const Links* const head = &state_.bins[i].ring;
        for (Links* node = head->next; node != head; node = node->next) {
            if (!is_free(block_of(node)) || !is_linked(node)) break;
            const std::size_t bytes = usable_size(block_of(node));
            found.total += bytes;
            found.largest = std::max(found.largest, bytes);
        }
    }
    return found;
}

template <Checks checks>
std::size_t TlsfArena<checks>::free_bytes() const {
    return count_free(0).total;
}

template <Checks checks>
std::size_t TlsfArena<checks>::largest_free() const {
    if (state_.occupied == 0) return 0;
    return count_free(63U - static_cast<unsigned>(std::countl_zero(state_.occupied))).largest;
}

template <Checks checks>
bool TlsfArena<checks>::check() const {
    std::size_t free_count = 0;
    const bool good = check_blocks(free_count);
    return check_bins(free_count) && good;
}

/// Every header makes sense, and neighbours agree about each other.
template <Checks checks>
bool TlsfArena<checks>::check_blocks(std::size_t& free_count) const {
    using enum HeapFaultKind;
    bool good = true;
    const auto expect = [&](bool condition, HeapFaultKind kind, const std::byte* block) {
        if (!condition) report(kind, block);
        good = good && condition;
    };
    const std::byte* const damaged = for_each_block([&](std::byte* block, View seen) {
        std::byte* const end = block + seen.length;
        const std::uint32_t next = view(end).flags;
        expect(((next & previous_free) != 0) == seen.is_free(), overflow, block);
        if (!seen.is_free()) return;
        ++free_count;
        expect(*footer(end) == seen.length, use_after_free, block);
        expect(is_linked(links(block)), corrupt_free_list, block);
        expect((next & tlsf::free) == 0, corrupt_header, end);
    });
    if (damaged != nullptr) expect(false, corrupt_header, damaged);
    return good;
}

/// Every ring's members belong there, and no free block is missing from the rings.
template <Checks checks>
bool TlsfArena<checks>::check_bins(std::size_t free_count) const {
    std::size_t found = 0;
    for (unsigned i = 0; state_.bins != nullptr && i < Bins::count; ++i) {
        Bin& bin = state_.bins[i];
        bool good = bin.mask == std::uint64_t{1} << i && is_linked(&bin.ring) &&
                    (bin.ring.next != &bin.ring) == ((state_.occupied >> i & 1) != 0);
        for (Links* node = bin.ring.next; good && node != &bin.ring; node = node->next) {
            good = is_free(block_of(node)) && is_linked(node) &&
                   Bins::bin_of(header(block_of(node))->length()) == i && ++found <= free_count;
        }
        if (!good) {
            (*report_)(HeapFaultKind::corrupt_free_list, &bin.ring);
            return false;
        }
    }
    if (found != free_count) (*report_)(HeapFaultKind::corrupt_free_list, nullptr);
    return found == free_count;
}

template class TlsfArena<Checks::basic>;
template class TlsfArena<Checks::none>;

}  // namespace cairn
