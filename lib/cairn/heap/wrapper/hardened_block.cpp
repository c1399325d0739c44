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

bool holds_only(Region region, std::byte value) {
    return std::all_of(region.base, region.base + region.size,
                       [=](std::byte byte) { return byte == value; });
}

void set(Region region, std::byte value) {
    std::memset(region.base, std::to_integer<int>(value), region.size);
}

/// `size` + `more`, in whole units of `unit`.
std::optional<std::size_t> rounded_sum(std::size_t size, std::size_t more, std::size_t unit) {
    const auto sum = checked_add(size, more);
    return sum ? align_up(*sum, unit) : std::nullopt;
}

}  // namespace

Region HardenedBlock::padding(const std::byte* block) const {
    return {span + guard_size(),
            bytes_between(span + guard_size(), block - sizeof(hardened::Header))};
}

Region HardenedBlock::redzone(const std::byte* block) const {
    std::byte* const end = span + bytes_between(span, block) + size;
    return {end, bytes_between(end, span + total - guard_size())};
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
                         .total = *total,
                         .span_alignment = std::max(alignment, page),
                         .size = layout.size,
                         .alignment = layout.alignment,
                         .guard = page};
}

std::byte* place(const HardenedBlock& planned) {
    const std::size_t alignment =
        std::max(static_cast<std::size_t>(planned.alignment), default_alignment);
    if (planned.guard == 0) return planned.span + Header::front(alignment);
    std::byte* const last = planned.span + (planned.total - planned.guard_size() - planned.size);
    return last - (reinterpret_cast<std::uintptr_t>(last) & (alignment - 1));
}

void set_up(std::byte* block, const HardenedBlock& contents, std::byte fresh) {
    set(contents.padding(block), untouchable);
    set(contents.redzone(block), untouchable);
    set({block, contents.size}, fresh);
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
    const std::size_t size = header.seal_is_right() ? header.contents().size : 0;
    if (const auto wrong = header.fault()) return fault(*wrong, size);
    if (!claimed) return std::nullopt;
    if (claimed->size != size) return fault(HeapFaultKind::wrong_size, size);
    if (claimed->alignment != header.contents().alignment) {
        return fault(HeapFaultKind::wrong_alignment, size);
    }
    return std::nullopt;
}

std::optional<HeapFaultKind> damage_around(const std::byte* block) {
    const HardenedBlock& contents = Header::before(block).contents();
    if (!holds_only(contents.redzone(block), untouchable)) return HeapFaultKind::overflow;
    if (!holds_only(contents.padding(block), untouchable)) return HeapFaultKind::underflow;
    return std::nullopt;
}

void close(std::byte* block) {
    Header::before(block).close();
}

void fill(std::byte* block, std::byte freed) {
    set({block, Header::before(block).contents().size}, freed);
}

bool is_untouched(const std::byte* block, std::byte freed) {
    const Header& header = Header::before(block);
    if (!header.seal_is_right() || header.fault() != HeapFaultKind::double_free) return false;
    return holds_only({const_cast<std::byte*>(block), header.contents().size}, freed) &&
           !damage_around(block);
}

bool resize(std::byte* block, std::size_t new_size, std::byte fresh) {
    Header& header = Header::before(block);
    const HardenedBlock& contents = header.contents();
    const std::size_t kept_free = contents.guard == 0 ? least_redzone : contents.guard_size();
    if (new_size > bytes_between(block, contents.span + contents.total) - kept_free) return false;
    const std::size_t old_size = contents.size;
    if (new_size > old_size) set({block + old_size, new_size - old_size}, fresh);
    if (new_size < old_size) set({block + new_size, old_size - new_size}, untouchable);
    header.change([=](HardenedBlock& block_contents) { block_contents.size = new_size; });
    return true;
}

}  // namespace hardened
}  // namespace cairn
