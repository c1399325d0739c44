// SPDX-License-Identifier: MIT
#include "lib/heap/tlsf_arena.hpp"

#include <algorithm>

#include "lib/bits.hpp"

namespace cairn {

using namespace tlsf;

template <Checks checks>
void TlsfArena<checks>::init(const FaultReporter& report, Region window, std::byte* metadata) {
    report_ = &report;
    base_ = address(window.base);
    limit_ = base_ + window.size;
    // The first grain stays unused: links are greater than the window's base.
    bins_ = reinterpret_cast<Bin*>(metadata + grain);
    for (unsigned i = 0; i < Bins::count; ++i) {
        Links* const head = &bins_[i].ring;
        bins_[i] = {.ring = {head, head}, .mask = std::uint64_t{1} << i, .unused = 0};
    }
}

// --- quick paths, out of line --------------------------------------------------------------------

template <Checks checks>
std::byte* TlsfArena<checks>::take(std::size_t size) {
    std::byte* const block = try_take(size);
    if (block == nullptr) [[unlikely]] {
        if (size > largest_chunk - grain) return nullptr;
        return search(length_for(size), grain, walk_steps, Bins::bin_of(length_for(size)));
    }
    return block;
}

template <Checks checks>
Region TlsfArena<checks>::give(std::byte* block) {
    const Freed freed = try_give(block);
    if (freed.block == nullptr) [[unlikely]] {
        diagnose(block);
        return {};
    }
    return chunk_of(freed.block, freed.length);
}

/// The chunk that a free block fills: the end that follows it tells how long the chunk is.
template <Checks checks>
Region TlsfArena<checks>::chunk_of(std::byte* block, std::size_t length) const {
    const Header* const next = header(block + length);
    if ((next->end & edge) == 0 || next->bytes() != length + grain) return {};
    return {.base = block - grain, .size = length + grain};
}

// --- searching -----------------------------------------------------------------------------------

/// Whether the header of a block in the window (or at its end) is that of a block in `state`.
template <Checks checks>
bool TlsfArena<checks>::is_sound(std::byte* block, std::uint32_t state) const {
    const std::size_t length = header(block)->bytes();
    // The length of an edge is no distance to anything.
    return (state == edge || (length >= smallest_block && length <= limit_ - address(block))) &&
           header(block)->end == (low(block + length) | state);
}

/// Whether the header is one of anything but a free block.
template <Checks checks>
bool TlsfArena<checks>::is_in_use(std::byte* block) const {
    return is_sound(block, used) || is_sound(block, cached) || is_sound(block, edge);
}

/// Whether the links of a free block are answered.
template <Checks checks>
bool TlsfArena<checks>::is_linked(Links* node) const {
    return is_link(node->next) && is_link(node->prev) && node->next->prev == node &&
           node->prev->next == node;
}

/// Looks through the bins from `from` on, at `steps` blocks at most.
template <Checks checks>
std::byte* TlsfArena<checks>::search(std::size_t needed, std::size_t alignment, std::size_t steps,
                                     unsigned from) {
    for (unsigned i = from; i < Bins::count; ++i) {
        if ((occupied_ >> i & 1) == 0) continue;
        Bin& bin = bins_[i];
        for (Links* node = bin.ring.next; node != &bin.ring; node = node->next) {
            std::byte* const block = block_of(node);
            if constexpr (checked) {
                if (!is_sound(block, tlsf::free)) {
                    abandon(bin, block, HeapFaultKind::corrupt_header);
                    break;
                }
                if (!is_linked(node)) {
                    abandon(bin, block, HeapFaultKind::corrupt_free_list);
                    break;
                }
            }
            std::uintptr_t skip = -address(block) & (alignment - 1);
            // What is skipped must hold a free block.
            if (skip == grain) skip += alignment;
            if (skip + needed <= header(block)->length) return carve(block, block + skip, needed);
            if (--steps == 0) return nullptr;
        }
    }
    return nullptr;
}

/// Uses `needed` bytes from `at` on, within the free block `block`.
template <Checks checks>
std::byte* TlsfArena<checks>::carve(std::byte* block, std::byte* at, std::size_t needed) {
    const std::size_t length = header(block)->length;
    const auto front = static_cast<std::size_t>(at - block);
    std::uint64_t occupied = occupied_;
    if (!unlink(links(block), occupied)) return nullptr;
    if (front == 0) {
        settle(block, length, needed, occupied);
        return block;
    }
    *header(block) = {static_cast<std::uint32_t>(front), low(at) | tlsf::free};
    *footer(at) = front;
    occupied = insert(block, front, occupied);
    header(at)->length = static_cast<std::uint32_t>(length - front);
    settle(at, length - front, needed, occupied);
    header(at)->length |= previous_free;
    return at;
}

/// Lets a ring go whose member `block` is damaged: its blocks are lost, the heap goes on.
template <Checks checks>
void TlsfArena<checks>::abandon(Bin& bin, std::byte* block, HeapFaultKind kind) {
    bin.ring = {&bin.ring, &bin.ring};
    occupied_ &= ~bin.mask;
    report(kind, block);
}

template <Checks checks>
std::byte* TlsfArena<checks>::take_aligned(std::size_t size, std::size_t alignment) {
    if (alignment <= grain) return take(size);
    if (size > largest_chunk - grain || alignment > largest_chunk) return nullptr;
    const std::size_t needed = length_for(size);
    // In a block this long there is always a place, whatever its own alignment.
    const unsigned bin = Bins::bin_that_holds(needed + alignment + grain);
    std::byte* const block =
        bin == Bins::none ? nullptr : search(needed, alignment, walk_steps, bin);
    return block != nullptr ? block : search(needed, alignment, walk_steps, Bins::bin_of(needed));
}

template <Checks checks>
std::byte* TlsfArena<checks>::take_thoroughly(std::size_t size, std::size_t alignment) {
    if (size > largest_chunk - grain || alignment > largest_chunk) return nullptr;
    const std::size_t needed = length_for(size);
    return search(needed, std::max(alignment, grain), SIZE_MAX, Bins::bin_of(needed));
}

// --- resizing ------------------------------------------------------------------------------------

template <Checks checks>
bool TlsfArena<checks>::resize(std::byte* block, std::size_t new_size) {
    if (new_size > largest_chunk - grain) return false;
    const std::size_t needed = length_for(new_size);
    if (checked && !(is_in_window(block) && is_sound(block, used))) {
        diagnose(block);
        return false;
    }
    Header* const own = header(block);
    std::size_t length = own->bytes();
    std::byte* next = block + length;
    std::uint64_t occupied = occupied_;
    if (is_sound(next, tlsf::free)) {
        if (needed > length + header(next)->length) return false;
        if (!unlink(links(next), occupied)) {
            diagnose(block);
            return false;
        }
        length += header(next)->length;
    } else if (checked && !is_in_use(next)) {
        diagnose(block);
        return false;
    } else if (needed > length || length - needed < smallest_block) {
        return needed <= length;
    }
    // As if it had been taken just now, from one free block.
    const std::uint32_t flags = own->length & previous_free;
    header(block + length)->length |= previous_free;
    own->length = static_cast<std::uint32_t>(length);
    settle(block, length, needed, occupied);
    own->length |= flags;
    return true;
}

// --- chunks --------------------------------------------------------------------------------------

template <Checks checks>
auto TlsfArena<checks>::chunk(std::uint32_t place) const -> ChunkLinks* {
    return reinterpret_cast<ChunkLinks*>(base_ + std::uintptr_t{place} * grain);
}

template <Checks checks>
bool TlsfArena<checks>::add_chunk(std::byte* base, std::size_t size) {
    const auto aligned = align_up(address(base), grain);
    if (!aligned || size < *aligned - address(base)) return false;
    base += *aligned - address(base);
    size = align_down(size - (*aligned - address(base)), grain);
    if (size < smallest_block + grain || size > largest_chunk) return false;
    if (address(base) < base_ || size > limit_ - address(base)) return false;
    std::byte* const end = base + size;
    std::byte* block = base + grain;
    std::size_t total = size;
    if (base == last_end_ && header(base)->bytes() <= largest_chunk - size) {
        // The end of the last chunk becomes the header of a used block.
        total += header(base)->bytes();
        block = base;
        header(block)->length &= previous_free;
    } else {
        const auto place = static_cast<std::uint32_t>((address(base) - base_) / grain);
        *chunk(place) = {.next = chunks_, .prev = no_chunk};
        if (chunks_ != no_chunk) chunk(chunks_)->prev = place;
        chunks_ = place;
        header(block)->length = 0;
    }
    header(block)->length |= static_cast<std::uint32_t>(end - block);
    header(block)->end = low(end);
    *header(end) = {static_cast<std::uint32_t>(total), low(end + total) | edge};
    last_end_ = end;
    (void)give(block);
    return true;
}

template <Checks checks>
Region TlsfArena<checks>::free_chunk(std::byte* base) {
    std::byte* const block = base + grain;
    if (!is_in_window(block) || !is_sound(block, tlsf::free)) return {};
    return chunk_of(block, header(block)->bytes());
}

template <Checks checks>
void TlsfArena<checks>::remove_chunk(Region region) {
    if (region.base == nullptr || free_chunk(region.base) != region) return;
    std::uint64_t occupied = occupied_;
    if (!unlink(links(region.base + grain), occupied)) return;
    occupied_ = occupied;
    const auto place = static_cast<std::uint32_t>((address(region.base) - base_) / grain);
    const ChunkLinks own = *chunk(place);
    (own.prev == no_chunk ? chunks_ : chunk(own.prev)->next) = own.next;
    if (own.next != no_chunk) chunk(own.next)->prev = own.prev;
    if (last_end_ == region.base + region.size) last_end_ = nullptr;
}

// --- looking -------------------------------------------------------------------------------------

template <Checks checks>
void TlsfArena<checks>::report(HeapFaultKind kind, const std::byte* block,
                               std::size_t length) const {
    (*report_)(kind, block, length);
}

/// What kind of place in the window `block` is, whose header makes no sense.
template <Checks checks>
HeapFaultKind TlsfArena<checks>::place(const std::byte* block) const {
    HeapFaultKind kind = HeapFaultKind::foreign_pointer;
    const bool whole =
        nullptr == for_each_block([&](std::byte* at, std::size_t length, std::uint32_t state) {
            if (block < at || block >= at + length) return;
            kind =
                state == tlsf::free ? HeapFaultKind::double_free : HeapFaultKind::invalid_pointer;
        });
    return whole || kind != HeapFaultKind::foreign_pointer ? kind : HeapFaultKind::corrupt_header;
}

/// Says what made `try_give(block)` fail.
template <Checks checks>
void TlsfArena<checks>::diagnose(std::byte* block) const {
    using enum HeapFaultKind;
    if (address(block) <= base_ || address(block) >= limit_) return report(foreign_pointer, block);
    if (!is_in_window(block)) return report(invalid_pointer, block);
    if (is_sound(block, tlsf::free) || is_sound(block, cached)) return report(double_free, block);
    if (header(block)->end == low(block)) return report(double_free, block);
    if (!is_sound(block, used)) return report(place(block), block);
    const std::size_t size = usable_size(block);
    std::byte* const next = block + header(block)->bytes();
    if (is_sound(next, tlsf::free)) {
        if (!is_linked(links(next))) return report(corrupt_free_list, next);
    } else if (!is_in_use(next)) {
        return report(overflow, block, size);
    }
    if ((header(block)->length & previous_free) == 0) return;
    const std::size_t before = *footer(block);
    if (before >= address(block) - base_ || before % grain != 0) {
        return report(use_after_free, block - grain);
    }
    std::byte* const previous = block - before;
    if (!is_sound(previous, tlsf::free) || header(previous)->length != before) {
        return report(use_after_free, previous);
    }
    report(corrupt_free_list, previous);
}

template <Checks checks>
std::size_t TlsfArena<checks>::free_bytes() const {
    std::size_t bytes = 0;
    (void)for_each_block([&](const std::byte*, std::size_t length, std::uint32_t state) {
        if (state == tlsf::free) bytes += length - header_size;
    });
    return bytes;
}

template <Checks checks>
std::size_t TlsfArena<checks>::largest_free() const {
    std::size_t largest = 0;
    (void)for_each_block([&](const std::byte*, std::size_t length, std::uint32_t state) {
        if (state == tlsf::free) largest = std::max(largest, length - header_size);
    });
    return largest;
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
    bool good = true;
    const auto wrong = [&](HeapFaultKind kind, const std::byte* block, std::size_t length) {
        report(kind, block, length - header_size);
        good = false;
    };
    const std::byte* const damaged =
        for_each_block([&](std::byte* block, std::size_t length, std::uint32_t state) {
            const Header* const next = header(block + length);
            const bool next_knows = (next->length & previous_free) != 0;
            if (next_knows != (state == tlsf::free)) {
                wrong(HeapFaultKind::overflow, block, length);
            } else if (state == tlsf::free) {
                ++free_count;
                if (*footer(block + length) != length)
                    wrong(HeapFaultKind::use_after_free, block, length);
                if (!is_linked(links(block)))
                    wrong(HeapFaultKind::corrupt_free_list, block, length);
                if ((next->end & tlsf::free) != 0)
                    wrong(HeapFaultKind::corrupt_header, block, length);
            }
        });
    if (damaged != nullptr) report(HeapFaultKind::corrupt_header, damaged);
    return good && damaged == nullptr;
}

/// Every ring's members belong there, and no free block is missing from the rings.
template <Checks checks>
bool TlsfArena<checks>::check_bins(std::size_t free_count) const {
    std::size_t found = 0;
    for (unsigned i = 0; bins_ != nullptr && i < Bins::count; ++i) {
        Bin& bin = bins_[i];
        bool good = bin.mask == std::uint64_t{1} << i && is_linked(&bin.ring) &&
                    (bin.ring.next != &bin.ring) == ((occupied_ >> i & 1) != 0);
        for (Links* node = bin.ring.next; good && node != &bin.ring; node = node->next) {
            good = is_sound(block_of(node), tlsf::free) && is_linked(node) &&
                   Bins::bin_of(header(block_of(node))->length) == i && ++found <= free_count;
        }
        if (!good) {
            report(HeapFaultKind::corrupt_free_list, block_of(&bin.ring));
            return false;
        }
    }
    if (found != free_count) report(HeapFaultKind::corrupt_free_list, nullptr);
    return found == free_count;
}

template class TlsfArena<Checks::basic>;
template class TlsfArena<Checks::none>;

}  // namespace cairn
