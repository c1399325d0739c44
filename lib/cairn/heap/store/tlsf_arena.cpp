// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
#include "cairn/heap/store/tlsf_arena.hpp"

#include <algorithm>

#include "cairn/bits.hpp"

namespace cairn {

using namespace tlsf;

// --- taking and giving ---------------------------------------------------------------------------

std::byte* TlsfArena::take_at_once(std::size_t size) {
    return try_take(size);
}

std::byte* TlsfArena::take(std::size_t size) {
    std::byte* const block = take_at_once(size);
    if (block == nullptr) [[unlikely]]
        return take_searching(size, grain, walk_steps);
    return block;
}

Region TlsfArena::give(std::byte* block) {
    const Freed freed = try_give(block);
    if (heap_checks && freed.block == nullptr) [[unlikely]] {
        diagnose(block);
        return {};
    }
    // Only what ends where a chunk ends can be all of it.
    const std::uint32_t next = header(end_of(freed.block, freed.length))->end();
    if ((next & edge % grain) == 0) [[likely]]
        return {};
    return chunk_of(freed.block, freed.length);
}

// --- searching -----------------------------------------------------------------------------------

std::byte* TlsfArena::take_aligned(std::size_t size, std::size_t alignment) {
    return take_searching(size, alignment, walk_steps);
}

std::byte* TlsfArena::take_thoroughly(std::size_t size, std::size_t alignment) {
    return take_searching(size, alignment, SIZE_MAX);
}

/// First where there may be a place, then where there must be one.
std::byte* TlsfArena::take_searching(std::size_t size, std::size_t alignment, std::size_t steps) {
    if (size > largest_chunk - grain || alignment > largest_chunk) return nullptr;
    const std::size_t needed = length_for(size);
    const std::size_t gap = alignment <= grain ? 0 : alignment + grain;
    std::byte* const block = search(bin_of(needed), needed, alignment, steps);
    if (block != nullptr) return block;
    const std::size_t enough = needed + gap;
    return search(enough == smallest_block ? 0 : bin_of(enough - 1) + 1, needed, alignment, 1);
}

/// Looks through the bins from `from` on, at `steps` blocks at most.
std::byte* TlsfArena::search(unsigned from, std::size_t needed, std::size_t alignment,
                             std::size_t steps) {
    const std::uint64_t occupied = state_.occupied;
    for (unsigned i = from; i < Bins::count && occupied >> i != 0; ++i) {
        if ((occupied >> i & 1) == 0) continue;
        Bin& own = bin(i);
        for (Links* node = own.ring.next; node != &own.ring; node = node->next) {
            std::byte* const block = block_of(node);
            if (heap_checks && !is_filed(node)) {
                abandon(own, block);
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
void TlsfArena::abandon(Bin& bin, const std::byte* block) {
    bin.ring = {&bin.ring, &bin.ring};
    state_.occupied &= ~bin.mask;
    report(is_free(block) ? HeapFaultKind::corrupt_free_list : HeapFaultKind::corrupt_header,
           block);
}

/// Uses `needed` bytes, `skip` bytes into a free block.
std::byte* TlsfArena::carve(std::byte* block, std::size_t skip, std::size_t needed) {
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

// --- resizing ------------------------------------------------------------------------------------

/// The chunk that a free block fills: the end that follows it tells how long the chunk is.
Region TlsfArena::chunk_of(std::byte* block, std::size_t length) {
    const View next = view(end_of(block, length));
    if (!next.is_edge() || next.length != length + grain) return {};
    return {.base = block - grain, .size = length + grain};
}

bool TlsfArena::resize(std::byte* block, std::size_t new_size) {
    if (heap_checks && !(is_place(block) && is_taken(block))) {
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
    } else if (heap_checks && !neighbour.is_used() && !neighbour.is_edge()) {
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

bool TlsfArena::remove(std::byte* block) {
    return unlink(links(block), state_);
}

void TlsfArena::file(std::byte* block, std::size_t length) {
    header(block)->set(length, low(block + length) + tlsf::free);
    *footer(block + length) = block;
    Bin& own = bin(bin_of(length));
    push(own, block, own.ring.next);
    state_.occupied |= own.mask;
}

void TlsfArena::cut(std::byte* block, std::size_t length, std::size_t needed) {
    std::byte* const end = block + length;
    const std::size_t left = length - needed;
    if (left < smallest_block) {
        header(block)->set_end(low(end));
        header(end)->set_end(header(end)->end() - previous_free);
    } else {
        header(block)->set(needed, low(block + needed));
        file(block + needed, left);
    }
}

// --- chunks --------------------------------------------------------------------------------------

bool TlsfArena::add_chunk(std::byte* base, std::size_t size) {
    const std::size_t skip = -address(base) & (grain - 1);
    if (size < skip + grain + smallest_block) return false;
    base += skip;
    size = align_down(size - skip, grain);
    const std::uintptr_t offset = address(base) - (state_.origin - grain);
    const std::uintptr_t window = (state_.places + 1) * grain;
    if (size > largest_chunk || offset > window || size > window - offset) return false;
    std::size_t before = 0;
    if (base == last_end_ && header(base)->length() <= largest_chunk - size) {
        before = header(base)->length();
    }
    join_chunk({base, size}, {base - before, before + size});
    last_end_ = base + size;
    return true;
}

void TlsfArena::join_chunk(Region part, Region whole) {
    std::byte* block = part.base;
    std::byte* after = part.base + part.size;
    std::byte* const end = whole.base + whole.size;
    std::uint32_t flags = 0;
    std::uint32_t flags_of_end = edge;
    if (after != end && !remove_from_list(after)) return;
    if (whole.base == part.base) {
        add_to_list(block);
        block += grain;
    } else {
        // The end of the chunk before becomes the header of a used block.
        flags = view(block).flags - edge;
    }
    if (after != end) {
        flags_of_end = view(end).flags;
        after += grain;
    }
    const auto length = static_cast<std::size_t>(after - block);
    header(block)->set(length, low(after) + flags);
    header(end)->set(whole.size, low(end_of(end, whole.size)) + flags_of_end);
    if (whole.size != part.size) {
        (void)give(block);
    } else {
        header(end)->set_end(header(end)->end() + previous_free);
        file(block, length);
    }
}

Region TlsfArena::free_chunk(std::byte* base) {
    std::byte* const block = base + grain;
    if (!is_place(block) || !is_free(block)) return {};
    return chunk_of(block, header(block)->length());
}

bool TlsfArena::remove_chunk(Region region) {
    if (region.base == nullptr || free_chunk(region.base) != region) return false;
    std::byte* const block = region.base + grain;
    if (!remove(block)) {
        diagnose(block);
        return false;
    }
    if (!remove_from_list(region.base)) {
        file(block, region.size - grain);
        return false;
    }
    if (last_end_ == region.base + region.size) last_end_ = nullptr;
    return true;
}

}  // namespace cairn
