// SPDX-License-Identifier: MIT
#include "cairn/heap/wrapper/hardened_block.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "cairn/bits.hpp"

namespace cairn {
namespace {

std::size_t bytes_between(const std::byte* from, const std::byte* to) {
    return static_cast<std::size_t>(to - from);
}

/// Word by word, where it is short; what begins with a value and equals itself, a little further
/// on, is all of that value.
bool holds_only(Region region, std::byte value) {
    using Word = std::uint64_t;
    constexpr std::size_t most = 8 * sizeof(Word);
    const Word pattern = ~Word{0} / 0xff * std::to_integer<Word>(value);
    const std::size_t first = std::min(region.size, most);
    std::size_t at = 0;
    Word difference = 0;
    for (; at + sizeof(Word) <= first; at += sizeof(Word)) {
        Word word;
        std::memcpy(&word, region.base + at, sizeof(word));
        difference |= word ^ pattern;
    }
    for (; at < first; ++at)
        difference |= std::to_integer<Word>(region.base[at] ^ value);
    return difference == 0 && (region.size <= most || std::memcmp(region.base, region.base + first,
                                                                  region.size - first) == 0);
}

/// In pieces that glibc writes by vectors: longer ones cost it an instruction a byte.
void set(Region region, std::byte value) {
    constexpr std::size_t piece = 2032;
    for (std::size_t done = 0; done < region.size; done += piece) {
        std::memset(region.base + done, std::to_integer<int>(value),
                    std::min(piece, region.size - done));
    }
}

/// What of the ground is filled and looked at: of large alignments it may be MiBs.
constexpr std::size_t watched = 4096;

Region watched_padding(const HardenedBlock& contents, const std::byte* block) {
    const Region all = contents.padding(block);
    const std::size_t size = std::min(all.size, watched);
    return {all.base + (all.size - size), size};
}
Region watched_redzone(const HardenedBlock& contents, const std::byte* block) {
    const Region all = contents.redzone(block);
    return {all.base, std::min(all.size, watched)};
}

std::uint8_t power_of(std::size_t alignment) {
    return static_cast<std::uint8_t>(std::countr_zero(alignment));
}

/// `size` + `more`, in whole units of `unit`.
std::optional<std::size_t> rounded_sum(std::size_t size, std::size_t more, std::size_t unit) {
    const auto sum = checked_add(size, more);
    return sum ? align_up(*sum, unit) : std::nullopt;
}

}  // namespace

Region HardenedBlock::padding(const std::byte* block) const {
    return {span + guard, bytes_between(span + guard, block - sizeof(hardened::Header))};
}

Region HardenedBlock::redzone(const std::byte* block) const {
    std::byte* const end = span + bytes_between(span, block) + size;
    return {end, bytes_between(end, guard == 0 ? span + span_size() : last_pages(block).base)};
}

Region HardenedBlock::last_pages(const std::byte* block) const {
    std::byte* const end = span + bytes_between(span, block) + size;
    std::byte* const first = end + (-reinterpret_cast<std::uintptr_t>(end) & (guard - 1));
    return {first, bytes_between(first, span + span_size())};
}

namespace hardened {

std::expected<HardenedBlock, AllocError> plan(Layout layout, std::size_t page) {
    if (!std::has_single_bit(layout.alignment)) return std::unexpected(AllocError::bad_alignment);
    const std::size_t alignment = std::max(layout.alignment, default_alignment);
    // Between guard pages the block is moved to the end, so its alignment may cost as much again.
    const std::size_t around =
        page == 0 ? Header::front(alignment) + least_redzone : sizeof(Header) + alignment;
    const auto inner = rounded_sum(layout.size, around, std::max(page, default_alignment));
    const auto total = checked_add(inner.value_or(SIZE_MAX), 2 * page);
    if (!total || *total > PTRDIFF_MAX) return std::unexpected(AllocError::too_large);
    return HardenedBlock{.span = nullptr,
                         .older = nullptr,
                         .newer = nullptr,
                         .size = layout.size,
                         .total = *total,
                         .guard = static_cast<std::uint32_t>(page),
                         .span_alignment = power_of(std::max(alignment, page)),
                         .alignment = power_of(layout.alignment),
                         .mark = 0,
                         .unused = 0};
}

std::byte* place(const HardenedBlock& planned) {
    const std::size_t alignment = std::max(planned.layout().alignment, default_alignment);
    if (planned.guard == 0) return planned.span + Header::front(alignment);
    std::byte* const last = planned.span + (planned.span_size() - planned.guard - planned.size);
    return last - (reinterpret_cast<std::uintptr_t>(last) & (alignment - 1));
}

std::size_t before_pages(const std::byte* block) {
    const std::size_t guard = Header::before(block).contents().guard;
    return -reinterpret_cast<std::uintptr_t>(block) & (guard - 1);
}

Region later_pages(std::byte* block) {
    const HardenedBlock& contents = Header::before(block).contents();
    std::byte* const first = block + before_pages(block);
    return {first, bytes_between(first, contents.span + contents.span_size())};
}

Region own_pages(std::byte* block) {
    const HardenedBlock& contents = Header::before(block).contents();
    const std::size_t first = before_pages(block);
    if (first >= contents.size) return {};
    return {block + first, (contents.size - first) & ~(std::size_t{contents.guard} - 1)};
}

void set_up(std::byte* block, const HardenedBlock& contents) {
    set(watched_padding(contents, block), untouchable);
    set(watched_redzone(contents, block), untouchable);
    Header::open(block, contents);
}

std::optional<HeapFault> judge(const std::byte* block, std::optional<Layout> claimed) {
    const auto fault = [=](HeapFaultKind kind, std::size_t size) {
        return HeapFault{.kind = kind, .address = block, .size = size, .owner = {}};
    };
    if (reinterpret_cast<std::uintptr_t>(block) % default_alignment != 0) {
        return fault(HeapFaultKind::invalid_pointer, 0);
    }
    const Header& header = Header::before(block);
    const std::size_t size = header.contents().size;
    if (const auto wrong = header.fault()) {
        return fault(*wrong, header.seal_is_right() ? size : 0);
    }
    if (!claimed) return std::nullopt;
    if (claimed->size != size) return fault(HeapFaultKind::wrong_size, size);
    if (claimed->alignment != header.contents().layout().alignment) {
        return fault(HeapFaultKind::wrong_alignment, size);
    }
    return std::nullopt;
}

std::optional<HeapFaultKind> damage_around(const std::byte* block) {
    const HardenedBlock& contents = Header::before(block).contents();
    if (!holds_only(watched_redzone(contents, block), untouchable)) return HeapFaultKind::overflow;
    if (!holds_only(watched_padding(contents, block), untouchable)) return HeapFaultKind::underflow;
    return std::nullopt;
}

void close(std::byte* block) {
    Header::before(block).close();
}

std::optional<HeapFaultKind> damage(const std::byte* block) {
    const auto wrong = Header::before(block).fault();
    return wrong ? wrong : damage_around(block);
}

void fill(std::byte* block, std::byte value, Region kept) {
    const std::size_t size = Header::before(block).contents().size;
    if (kept.size == 0) return set({block, size}, value);
    std::byte* const behind = kept.base + kept.size;
    set({block, bytes_between(block, kept.base)}, value);
    set({behind, bytes_between(behind, block + size)}, value);
}

bool is_untouched(const std::byte* block, std::byte freed, std::size_t most) {
    const Header& header = Header::before(block);
    if (!header.is_of_freed()) return false;
    const std::size_t size = header.contents().size;
    return holds_only({const_cast<std::byte*>(block), std::min(size, most)}, freed) &&
           (most < size || !damage_around(block));
}

bool is_hidden_untouched(const std::byte* block, std::byte freed, std::size_t most) {
    const Header& header = Header::before(block);
    if (!header.is_of_freed()) return false;
    const std::size_t size = std::min(header.contents().size, before_pages(block));
    return holds_only({const_cast<std::byte*>(block), std::min(size, most)}, freed);
}

bool resize(std::byte* block, std::size_t new_size, std::byte fresh) {
    Header& header = Header::before(block);
    const HardenedBlock& contents = header.contents();
    const std::size_t kept_free = contents.guard == 0 ? least_redzone : contents.guard;
    const std::size_t left = bytes_between(block, contents.span + contents.span_size());
    if (new_size > left - kept_free) return false;
    const std::size_t old_size = contents.size;
    const std::size_t cut_off = left - kept_free - new_size;
    if (contents.guard == 0 && new_size < old_size && cut_off > most_cut_off) return false;
    if (new_size > old_size) set({block + old_size, new_size - old_size}, fresh);
    header.change([=](HardenedBlock& block_contents) { block_contents.size = new_size; });
    set(watched_redzone(contents, block), untouchable);
    return true;
}

void link(std::byte*& newest, std::byte* block) {
    if (newest != nullptr) {
        Header::before(newest).change([=](HardenedBlock& other) { other.newer = block; });
    }
    newest = block;
}

void unlink(std::byte*& newest, std::byte* block) {
    const HardenedBlock& contents = Header::before(block).contents();
    std::byte* const older = contents.older;
    std::byte* const newer = contents.newer;
    if (newer == nullptr) {
        newest = older;
    } else {
        Header::before(newer).change([=](HardenedBlock& other) { other.older = older; });
    }
    if (older != nullptr) {
        Header::before(older).change([=](HardenedBlock& other) { other.newer = newer; });
    }
}

}  // namespace hardened
}  // namespace cairn
