// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
// Slabs that are taken apart: rows of their free slots serve blocks (docs/adr/0051).
#include "cairn/heap/general/heap_core.hpp"

namespace cairn {
namespace {

constexpr unsigned rows_at_once = 8;     // of a slab that is taken apart
constexpr unsigned rows_when_short = 3;  // as caches give back at the same time

}  // namespace

/// Where free slots are much of the heap, a few rows of them become room for blocks.
void HeapCore::take_slab_apart() {
    if (!slabs_.has_waiting()) {
        const std::size_t first = slabs_.next_sparse();
        if (first != PageHeap::none) (void)slabs_.take_apart(first);
        return;
    }
    for (unsigned rows = is_short() ? rows_when_short : rows_at_once;
         rows != 0 && slabs_.has_waiting(); --rows)
        add_row(slabs_.open_row());
}

void HeapCore::add_row(const SlabStore::Opened& opened) {
    surplus_ += opened.part.size;
    if (opened.part.size != 0) blocks_.join_chunk(opened.part, opened.row);
    if (opened.row.size != slab_size) return;
    const Region chunk = blocks_.free_chunk(opened.row.base);
    if (chunk.base != nullptr) release_chunk(chunk);
}

void HeapCore::give_slot_apart(std::byte* slot) {
    const std::size_t small_class = slabs_.use_apart(slot);
    // One that stands for a slot, as there was no slab.
    if (small_class > small_classes) return give_one_block(slot);
    if (slabs_.is_waiting(slot)) {
        return report_(HeapFaultKind::double_free, slot, class_size(small_class));
    }
    in_use_ -= class_size(small_class);
    add_row(slabs_.give_apart(slot));
}

std::uint8_t HeapCore::use_apart(const std::byte* block) const {
    const SpinGuard guard(lock_);
    const std::uint8_t use = pages_.use_map()[page_of(block)];
    return use == static_cast<std::uint8_t>(PageUse::apart) ? slabs_.use_apart(block) : use;
}

}  // namespace cairn
