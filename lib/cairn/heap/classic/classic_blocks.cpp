// SPDX-License-Identifier: MIT
#include "cairn/heap/classic/classic_blocks.hpp"

#include <algorithm>

#include "cairn/bits.hpp"

namespace cairn::classic {

namespace {

/// The payload of a request: whole grains, and at least one, so that every block has an address of
/// its own. For valid layouts.
Layout whole_grains(Layout layout) {
    const std::size_t size = (std::max<std::size_t>(layout.size, 1) + (grain - 1)) & ~(grain - 1);
    return {size, std::max(layout.alignment, grain)};
}

/// Where in `block` a payload with this layout would begin, as bytes from the block's own. A gap in
/// front of it must be long enough to be a block of its own.
std::optional<std::size_t> place(const Block& block, Layout layout) {
    const auto start = reinterpret_cast<std::uintptr_t>(block.payload());
    auto aligned = align_up<std::uintptr_t>(start, layout.alignment);
    if (aligned && *aligned != start && *aligned - start < smallest_block) {
        aligned = align_up<std::uintptr_t>(start + smallest_block, layout.alignment);
    }
    if (!aligned || *aligned - start > block.size) return std::nullopt;
    const std::size_t gap = *aligned - start;
    if (block.size - gap < layout.size) return std::nullopt;
    return gap;
}

}  // namespace

// --- what callers ask for -----------------------------------------------------------------------

std::expected<std::byte*, AllocError> Blocks::allocate(Layout layout, Choose choose) {
    if (!layout.is_valid()) {
        return std::unexpected(std::has_single_bit(layout.alignment) ? AllocError::too_large
                                                                     : AllocError::bad_alignment);
    }
    trace_({.step = Step::allocate, .size = layout.size, .other = layout.alignment});
    const Layout needed = whole_grains(layout);
    do {
        Search search(*this, needed);
        Block* block = choose(search);
        if (block == nullptr) block = grow(needed);
        if (block == nullptr) continue;
        if (std::byte* const payload = hand_out(block, needed); payload != nullptr) return payload;
    } while (mend());
    trace_({.step = Step::refuse});
    return std::unexpected(AllocError::out_of_memory);
}

void Blocks::deallocate(std::byte* payload, std::optional<Layout> layout) {
    if (payload == nullptr) return;
    Block* const block = used_block(payload, layout);
    if (block == nullptr) return;
    trace(Step::free, block);
    release(block);
}

bool Blocks::try_resize(std::byte* payload, Layout layout, std::size_t new_size) {
    Block* const block = used_block(payload, layout);
    if (block == nullptr || new_size > PTRDIFF_MAX) return false;
    const std::size_t size = whole_grains({.size = new_size}).size;
    trace_({.step = Step::resize, .at = offset(payload), .size = size, .other = block->size});
    if (size > block->size) {
        Block* const above = block->next;
        if (above == nullptr || !above->is_free() || !block->touches(above)) return false;
        if (size > block->size + Block::header() + above->size) return false;
        if (!take(above) || !absorb(block, above)) return false;
    }
    if (block->size - size >= smallest_block) {
        if (Block* const rest = split(block, size); rest != nullptr) release(rest);
    }
    return true;
}

std::size_t Blocks::usable_size(const std::byte* payload) const {
    const bool is_payload =
        is_within(payload) && reinterpret_cast<std::uintptr_t>(payload) % grain == 0;
    if (!is_payload) return 0;
    const Block* const block = Block::of(payload);
    return block->is_sound() && block->state == State::used ? block->size : 0;
}

// --- splitting and joining ----------------------------------------------------------------------

/// Cuts `block` off after `size` bytes. The rest is a block in the same state.
Block* Blocks::split(Block* block, std::size_t size) {
    const bool is_free = block->is_free();
    if (!verify(block) || !verify(block->next)) return nullptr;
    if (is_free && !verify(block->next_free)) return nullptr;
    auto* const rest = reinterpret_cast<Block*>(block->payload() + size);
    rest->previous = block;
    rest->next = block->next;
    rest->size = block->size - size - Block::header();
    rest->state = block->state;
    if (is_free) {
        rest->previous_free = block;
        rest->next_free = block->next_free;
        block->next_free = rest;
        (rest->next_free == nullptr ? last_free_ : rest->next_free->previous_free) = rest;
        if (rest->next_free != nullptr) rest->next_free->close();
    }
    block->next = rest;
    block->size = size;
    (rest->next == nullptr ? last_ : rest->next->previous) = rest;
    if (rest->next != nullptr) rest->next->close();
    rest->close();
    block->close();
    trace(Step::split, block, rest);
    return rest;
}

/// The opposite: both are in the same state, touch each other, and become one block.
bool Blocks::absorb(Block* block, Block* above) {
    const bool is_free = block->is_free();
    if (!verify(block) || !verify(above) || !verify(above->next)) return false;
    if (is_free && !verify(above->next_free)) return false;
    block->size += Block::header() + above->size;
    block->next = above->next;
    (above->next == nullptr ? last_ : above->next->previous) = block;
    if (is_free) {
        block->next_free = above->next_free;
        (above->next_free == nullptr ? last_free_ : above->next_free->previous_free) = block;
        if (above->next_free != nullptr) above->next_free->close();
        if (rover_ == above) rover_ = block;
    }
    if (above->next != nullptr) above->next->close();
    block->close();
    // What the header leaves behind inside the payload must not pass for a block.
    above->state = State::joined;
    above->close();
    trace(Step::coalesce, block, above);
    return true;
}

void Blocks::coalesce(Block* block, Block* above) {
    if (block == nullptr || above == nullptr) return;
    if (!block->is_free() || !above->is_free() || !block->touches(above)) return;
    // Not so only where `mend` has left one of them out.
    if (block->next_free == above && above->previous_free == block) absorb(block, above);
}

// --- into and out of the free list --------------------------------------------------------------

/// Takes a free block out of the free list: it is used from here on.
bool Blocks::take(Block* block) {
    Block* const below = block->previous_free;
    Block* const above = block->next_free;
    if (!verify(block) || !verify(below) || !verify(above)) return false;
    (below == nullptr ? first_free_ : below->next_free) = above;
    (above == nullptr ? last_free_ : above->previous_free) = below;
    if (below != nullptr) below->close();
    if (above != nullptr) above->close();
    if (rover_ == block) rover_ = above;
    block->state = State::used;
    block->close();
    return true;
}

/// The opposite, and joins the block with the neighbours that are free as well.
void Blocks::release(Block* block) {
    const auto found = free_below(block);
    if (!found) return;
    Block* const below = *found;
    Block* const above = below == nullptr ? first_free_ : below->next_free;
    if (!verify(block) || !verify(below) || !verify(above)) return;
    block->state = State::free;
    block->previous_free = below;
    block->next_free = above;
    (below == nullptr ? first_free_ : below->next_free) = block;
    (above == nullptr ? last_free_ : above->previous_free) = block;
    if (below != nullptr) below->close();
    if (above != nullptr) above->close();
    block->close();
    coalesce(block, block->next);
    coalesce(block->previous, block);
}

/// The nearest free block below a used one; nullptr where there is none. Nothing: somewhere on the
/// way there is a damaged block.
///
/// In the long run about one block in three is free (Knuth's fifty-percent rule: half as many free
/// blocks as used ones), so the walk is short. Beyond both ends of the free list there is none.
std::optional<Block*> Blocks::free_below(const Block* block) const {
    if (last_free_ == nullptr || last_free_ < block) return last_free_;
    if (block < first_free_) return nullptr;
    if (block->next != nullptr && block->next->is_free() && verify(block->next)) {
        return block->next->previous_free;
    }
    for (Block* below = block->previous; below != nullptr; below = below->previous) {
        if (!verify(below)) return std::nullopt;
        if (below->is_free()) return below;
    }
    return nullptr;
}

/// Leaves out of the free list what is damaged, so that the rest can be used. Whether there was
/// any.
bool Blocks::mend() {
    Block* below = nullptr;
    Block* above = nullptr;
    for (Block* block = first_free_; block != nullptr && block->is_sound();
         block = block->next_free) {
        below = block;
    }
    if (below == last_free_) return false;
    for (Block* block = last_free_; block != nullptr && block->is_sound();
         block = block->previous_free) {
        above = block;
    }
    (below == nullptr ? first_free_ : below->next_free) = above;
    (above == nullptr ? last_free_ : above->previous_free) = below;
    if (below != nullptr) below->close();
    if (above != nullptr) above->close();
    rover_ = above;
    return true;
}

// --- growing and handing out --------------------------------------------------------------------

/// Takes a chunk from the break; the free block at the end of the list, if that fits now.
Block* Blocks::grow(Layout layout) {
    const std::size_t gap =
        layout.alignment > grain ? layout.alignment + smallest_block : 0;  // at most
    const auto payload = checked_add(layout.size, gap);
    const auto least = payload ? checked_add(*payload, Block::header()) : std::nullopt;
    if (!least) return nullptr;
    const std::size_t size = std::max(*least, chunk_size_ & ~(grain - 1));
    auto memory = source_.allocate(size, grain);
    if (memory) {
        if (!add_chunk(*memory, size)) return nullptr;
    } else {
        memory = source_.allocate(*least, grain);
        if (!memory || !add_chunk(*memory, *least)) return nullptr;
    }
    const bool fits = last_->is_free() && place(*last_, layout).has_value();
    return fits ? last_ : nullptr;
}

bool Blocks::add_chunk(std::byte* memory, std::size_t size) {
    auto* const block = reinterpret_cast<Block*>(memory);
    if (!verify(last_) || block < last_) return false;
    block->previous = last_;
    block->next = nullptr;
    block->size = size - Block::header();
    block->state = State::used;
    block->close();
    (last_ == nullptr ? first_ : last_->next) = block;
    if (last_ != nullptr) last_->close();
    last_ = block;
    end_ = memory + size;
    trace_({.step = Step::grow, .at = offset(memory), .size = size});
    release(block);
    return true;
}

/// Cuts what is asked for out of a free block in which it fits.
std::byte* Blocks::hand_out(Block* block, Layout layout) {
    const auto gap = place(*block, layout);
    if (!gap) return nullptr;
    if (*gap != 0) block = split(block, *gap - Block::header());
    if (block == nullptr) return nullptr;
    if (block->size - layout.size >= smallest_block && split(block, layout.size) == nullptr) {
        return nullptr;
    }
    Block* const above = block->next_free;
    if (!take(block)) return nullptr;
    rover_ = above;
    trace(Step::take, block);
    return block->payload();
}

bool Search::fits(const Block* block) const {
    const bool fits = block->is_free() && place(*block, layout_).has_value();
    blocks_.trace(fits ? Step::fits : Step::too_small, block);
    return fits;
}

// --- checks -------------------------------------------------------------------------------------

Block* Blocks::used_block(std::byte* payload, std::optional<Layout> layout) const {
    const auto refuse = [&](HeapFaultKind kind, std::size_t size = 0) {
        report_(kind, payload, size);
        return nullptr;
    };
    if (!is_within(payload)) return refuse(HeapFaultKind::foreign_pointer);
    if (reinterpret_cast<std::uintptr_t>(payload) % grain != 0) {
        return refuse(HeapFaultKind::invalid_pointer);
    }
    Block* const block = Block::of(payload);
    if (!block->is_sound()) return refuse(diagnose(block));
    if (block->state != State::used) return refuse(HeapFaultKind::double_free);
    if (block->next != nullptr && !block->next->is_sound() && block->touches(block->next)) {
        return refuse(HeapFaultKind::overflow, block->size);
    }
    if (!layout) return block;
    const std::size_t size = layout->is_valid() ? whole_grains(*layout).size : SIZE_MAX;
    if (size > block->size || block->size - size >= smallest_block) {
        return refuse(HeapFaultKind::wrong_size, block->size);
    }
    if (reinterpret_cast<std::uintptr_t>(payload) % layout->alignment != 0) {
        return refuse(HeapFaultKind::wrong_alignment, block->size);
    }
    return block;
}

/// There is no sound header at `block`: has one been damaged, or was there never any?
HeapFaultKind Blocks::diagnose(const Block* block) const {
    const Block* each = first_;
    while (each != nullptr && each != block && each->is_sound())
        each = each->next;
    return each == block ? HeapFaultKind::corrupt_header : HeapFaultKind::invalid_pointer;
}

bool Blocks::verify(const Block* block) const {
    if (block == nullptr || block->is_sound()) return true;
    report_(block->is_free() ? HeapFaultKind::use_after_free : HeapFaultKind::corrupt_header,
            block->payload());
    return false;
}

/// Whether it lies between the first payload and the end of the last: there is memory around it.
bool Blocks::is_within(const void* pointer) const {
    if (first_ == nullptr) return false;
    const auto at = reinterpret_cast<std::uintptr_t>(pointer);
    return at >= reinterpret_cast<std::uintptr_t>(first_->payload()) &&
           at < reinterpret_cast<std::uintptr_t>(end_);
}

// --- looking on ---------------------------------------------------------------------------------

void Blocks::trace(Step step, const Block* block, const Block* other) const {
    if (trace_.function == nullptr) return;
    trace_({.step = step,
            .at = offset(block->payload()),
            .size = block->size,
            .other = other == nullptr ? 0 : offset(other->payload())});
}

}  // namespace cairn::classic
