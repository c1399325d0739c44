// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
#include "cairn/heap/store/tlsf_store.hpp"

#include <algorithm>
#include <utility>

namespace cairn {

using namespace tlsf;

void TlsfStore::init(const FaultReporter& report, Region window, std::byte* metadata) {
    report_ = &report;
    state_.origin = (address(window.base) + grain - 1) / grain * grain + grain;
    state_.places = (address(window.base) + window.size - state_.origin) / grain;
    *reinterpret_cast<Bin*>(metadata) = {};
    state_.bins = address(metadata + grain) + Bins::first * sizeof(Bin);
    state_.quick = Bins::shared_from - 2 * grain;
    state_.occupied = last_bin;
    for (unsigned i = 0; i < Bins::count; ++i) {
        Links* const head = &bin(i).ring;
        bin(i) = {.ring = {head, head}, .mask = (std::uint64_t{1} << i) & ~last_bin, .zero = 0};
    }
}

void TlsfStore::add_to_list(const std::byte* chunk_base) {
    const std::uint32_t place = place_of(chunk_base);
    if (is_chunk(chunks_)) chunk_links(chunks_)->prev = place;
    *chunk_links(place) = {.next = std::exchange(chunks_, place), .prev = no_chunk};
}

bool TlsfStore::remove_from_list(const std::byte* chunk_base) {
    const std::uint32_t place = place_of(chunk_base);
    const ChunkLinks own = *chunk_links(place);
    std::uint32_t& before = is_chunk(own.prev) ? chunk_links(own.prev)->next : chunks_;
    std::uint32_t none = place;
    std::uint32_t& after = is_chunk(own.next) ? chunk_links(own.next)->prev : none;
    if (before != place || after != place) {
        (*report_)(HeapFaultKind::corrupt_free_list, chunk_base);
        return false;
    }
    before = own.next;
    after = own.prev;
    return true;
}

// --- single blocks -------------------------------------------------------------------------------

/// Whether a header is one of a block that lies in the window.
bool TlsfStore::is_sound(const std::byte* block, View seen) const {
    return (seen.is_free() || seen.is_used()) && seen.length >= smallest_block &&
           seen.length <= state_.limit() - address(block);
}

bool TlsfStore::is_free(const std::byte* block) const {
    const std::size_t length = header(block)->length();
    return header(block)->end() == low(end_of(block, length)) + tlsf::free &&
           length >= smallest_block && length <= state_.limit() - address(block);
}

/// Whether its user has it.
bool TlsfStore::is_taken(const std::byte* block) const {
    const View seen = view(block);
    return !seen.is_free() && (seen.flags & cached) == 0 && is_sound(block, seen);
}

/// Whether the links of a free block, or of a ring's head, are answered.
bool TlsfStore::is_linked(const Links* node) const {
    return state_.are_places(node->next, node->prev) && node->next->prev == node &&
           node->prev->next == node;
}

/// Whether a member of a ring is a free block whose links are answered.
bool TlsfStore::is_filed(Links* node) const {
    return is_free(block_of(node)) && is_linked(node);
}

// --- all blocks ----------------------------------------------------------------------------------

const std::byte* TlsfStore::walk(Visit visit, void* context) const {
    const std::byte* damaged = nullptr;
    std::size_t left = most_chunks();
    for (std::uint32_t at = chunks_; at != no_chunk; at = chunk_links(at)->next) {
        std::byte* block = first_block(at);
        if (left-- == 0 || !is_chunk(at)) return block;
        for (View seen = view(block); !seen.is_edge(); seen = view(block)) {
            if (!is_sound(block, seen)) {
                damaged = block;
                break;
            }
            visit(context, block, seen);
            block += seen.length;
        }
    }
    return damaged;
}

void TlsfStore::report(HeapFaultKind kind, const std::byte* block) const {
    const bool readable = is_place(block) && is_sound(block, view(block));
    (*report_)(kind, block, readable ? usable_size(block) : 0);
}

/// What is wrong with a place that has no header which makes sense.
HeapFaultKind TlsfStore::judge(const std::byte* place) const {
    auto kind = HeapFaultKind::foreign_pointer;
    const std::byte* const damaged = for_each_block([&](const std::byte* block, View seen) {
        // A chunk begins a grain before its first block.
        const bool is_found = kind != HeapFaultKind::foreign_pointer;
        if (is_found || place < block - grain || place >= block + seen.length) return;
        kind = seen.is_free() ? HeapFaultKind::double_free : HeapFaultKind::invalid_pointer;
    });
    const bool unknown = kind == HeapFaultKind::foreign_pointer && damaged != nullptr;
    return unknown ? HeapFaultKind::corrupt_header : kind;
}

/// What made `try_give(block)` fail, if anything did.
auto TlsfStore::examine(std::byte* block) const -> Finding {
    using enum HeapFaultKind;
    if (!is_in_window(block)) return {foreign_pointer, block};
    if (!is_place(block)) return {invalid_pointer, block};
    const View own = view(block);
    if (!is_taken(block)) {
        const bool was_one = is_sound(block, own) || header(block)->end() == low(block);
        return {was_one ? double_free : judge(block), block};
    }
    std::byte* const next = block + own.length;
    const View neighbour = view(next);
    if (is_free(next)) {
        if (!is_linked(links(next))) return {corrupt_free_list, next};
    } else if (!neighbour.is_edge() && !is_sound(next, neighbour)) {
        return {overflow, block};
    }
    if (own.flags == 0) return {};
    std::byte* const previous = *footer(block);
    if (!is_place(previous) || !is_free(previous) ||
        end_of(previous, header(previous)->length()) != block) {
        return {use_after_free, block - grain};
    }
    return {corrupt_free_list, previous};
}

void TlsfStore::diagnose(std::byte* block) const {
    const Finding finding = examine(block);
    if (finding.place != nullptr || block == nullptr) report(finding.kind, finding.place);
}

void TlsfStore::refuse(std::byte* block, HeapFaultKind kind) const {
    if (!is_place(block) || !is_taken(block)) return diagnose(block);
    report(kind, block);
}

auto TlsfStore::count_free() const -> Free {
    Free found;
    for_each_free_space(smallest_block, [&](std::byte* from, std::byte* to) {
        const auto bytes = static_cast<std::size_t>(to - from) + 2 * grain - header_size;
        found.total += bytes;
        found.largest = std::max(found.largest, bytes);
    });
    return found;
}

bool TlsfStore::check() const {
    std::size_t free_count = 0;
    const bool good = check_blocks(free_count);
    return check_bins(free_count) && good;
}

/// Every header makes sense, and neighbours agree about each other.
bool TlsfStore::check_blocks(std::size_t& free_count) const {
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
        expect(*footer(end) == block, use_after_free, block);
        expect(is_linked(links(block)), corrupt_free_list, block);
        expect((next & tlsf::free) == 0, corrupt_header, end);
    });
    if (damaged != nullptr) expect(false, corrupt_header, damaged);
    return good;
}

/// Every ring's members belong there, and no free block is missing from the rings.
bool TlsfStore::check_bins(std::size_t free_count) const {
    std::size_t found = 0;
    for (unsigned i = 0; state_.bins != 0 && i < Bins::count; ++i) {
        const Bin& own = bin(i);
        const std::uint64_t bit = std::uint64_t{1} << i;
        const bool marked = own.ring.next != &own.ring || bit == last_bin;
        bool good = own.mask == (bit & ~last_bin) && is_linked(&own.ring) &&
                    marked == ((state_.occupied & bit) != 0);
        for (Links* node = own.ring.next; good && node != &own.ring; node = node->next) {
            good = is_filed(node) && bin_of(header(block_of(node))->length()) == i &&
                   ++found <= free_count;
        }
        if (!good) {
            (*report_)(HeapFaultKind::corrupt_free_list, &own.ring);
            return false;
        }
    }
    if (found != free_count) (*report_)(HeapFaultKind::corrupt_free_list, nullptr);
    return found == free_count;
}

}  // namespace cairn
