// SPDX-License-Identifier: MIT
#include "cairn/classic_heap.hpp"

#include <algorithm>
#include <initializer_list>

#include "cairn/bits.hpp"
#include "cairn/print.hpp"

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
    if (aligned && *aligned != start && *aligned - start < smallest_block)
        aligned = align_up<std::uintptr_t>(start + smallest_block, layout.alignment);
    if (!aligned || *aligned - start > block.size) return std::nullopt;
    const std::size_t gap = *aligned - start;
    if (block.size - gap < layout.size) return std::nullopt;
    return gap;
}

}  // namespace

std::uint32_t Block::sum() const {
    std::uint64_t sum = size;
    for (const Block* word : std::initializer_list<const Block*>{this, previous, next})
        sum = sum * 33 + reinterpret_cast<std::uintptr_t>(word);
    sum = sum * 33 + static_cast<std::uint32_t>(state);
    return static_cast<std::uint32_t>(sum ^ sum >> 32);
}

// --- what callers ask for -----------------------------------------------------------------------

std::expected<std::byte*, AllocError> Blocks::allocate(Layout layout, Choose choose) {
    if (!layout.is_valid()) {
        return std::unexpected(std::has_single_bit(layout.alignment) ? AllocError::too_large
                                                                     : AllocError::bad_alignment);
    }
    trace_({.step = Step::allocate, .size = layout.size, .other = layout.alignment});
    const Layout needed = whole_grains(layout);
    Search search(*this, needed);
    Block* block = choose(search);
    if (block == nullptr) block = grow(needed);
    if (block != nullptr) return hand_out(block, needed);
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
        take(above);
        absorb(block, above);
    }
    if (block->size - size >= smallest_block) release(split(block, size));
    return true;
}

std::size_t Blocks::usable_size(const std::byte* payload) const {
    if (!is_within(payload) || reinterpret_cast<std::uintptr_t>(payload) % grain != 0) return 0;
    const Block* const block = Block::of(payload);
    return block->is_sound() && block->state == State::used ? block->size : 0;
}

// --- the four steps -----------------------------------------------------------------------------

/// Cuts `block` off after `size` bytes. The rest is a block in the same state.
Block* Blocks::split(Block* block, std::size_t size) {
    auto* const rest = reinterpret_cast<Block*>(block->payload() + size);
    rest->previous = block;
    rest->next = block->next;
    rest->size = block->size - size - Block::header();
    rest->state = block->state;
    block->next = rest;
    block->size = size;
    (rest->next == nullptr ? last_ : rest->next->previous) = rest;
    if (rest->next != nullptr) rest->next->close();
    if (block->is_free()) {
        rest->previous_free = block;
        rest->next_free = block->next_free;
        block->next_free = rest;
        (rest->next_free == nullptr ? last_free_ : rest->next_free->previous_free) = rest;
    }
    rest->close();
    block->close();
    trace(Step::split, block, rest);
    return rest;
}

/// The opposite: both are in the same state, touch each other, and become one block.
void Blocks::absorb(Block* block, Block* above) {
    if (block->is_free()) {
        block->next_free = above->next_free;
        (above->next_free == nullptr ? last_free_ : above->next_free->previous_free) = block;
        if (rover_ == above) rover_ = block;
    }
    block->next = above->next;
    block->size += Block::header() + above->size;
    (above->next == nullptr ? last_ : above->next->previous) = block;
    if (above->next != nullptr) above->next->close();
    above->state = State::joined;
    above->close();
    block->close();
    trace(Step::coalesce, block, above);
}

/// Takes a free block out of the free list: it is used from here on.
void Blocks::take(Block* block) {
    Block* const below = block->previous_free;
    Block* const above = block->next_free;
    (below == nullptr ? first_free_ : below->next_free) = above;
    (above == nullptr ? last_free_ : above->previous_free) = below;
    if (rover_ == block) rover_ = above;
    block->state = State::used;
    block->close();
}

/// The opposite, and joins the block with the neighbours that are free as well.
void Blocks::release(Block* block) {
    Block* const below = free_below(block);
    Block* const above = below == nullptr ? first_free_ : below->next_free;
    block->state = State::free;
    block->previous_free = below;
    block->next_free = above;
    (below == nullptr ? first_free_ : below->next_free) = block;
    (above == nullptr ? last_free_ : above->previous_free) = block;
    block->close();
    if (above != nullptr && block->touches(above)) absorb(block, above);
    if (below != nullptr && below->touches(block)) absorb(below, block);
}

/// The nearest free block below a used one; nullptr where there is none.
///
/// In the long run about one block in three is free (Knuth's fifty-percent rule: half as many free
/// blocks as used ones), so the walk is short. Beyond both ends of the free list there is none.
Block* Blocks::free_below(const Block* block) const {
    if (last_free_ == nullptr || last_free_ < block) return last_free_;
    if (block < first_free_) return nullptr;
    Block* below = block->previous;
    while (!below->is_free())
        below = below->previous;
    return below;
}

// --- growing and handing out --------------------------------------------------------------------

/// Takes a chunk from the break, as one block, and releases it. The free block at the end of the
/// list, if that fits now.
Block* Blocks::grow(Layout layout) {
    const std::size_t gap =
        layout.alignment > grain ? layout.alignment + smallest_block : 0;  // at most
    const auto payload = checked_add(layout.size, gap);
    const auto least = payload ? checked_add(*payload, Block::header()) : std::nullopt;
    if (!least) return nullptr;
    std::size_t size = std::max(*least, chunk_size_ & ~(grain - 1));
    auto memory = source_.allocate(size, grain);
    if (!memory) memory = source_.allocate(size = *least, grain);
    if (!memory) return nullptr;
    auto* const block = reinterpret_cast<Block*>(*memory);
    block->previous = last_;
    block->next = nullptr;
    block->size = size - Block::header();
    block->state = State::used;
    block->close();
    (last_ == nullptr ? first_ : last_->next) = block;
    if (last_ != nullptr) last_->close();
    last_ = block;
    trace_({.step = Step::grow, .at = offset(*memory), .size = size});
    release(block);
    return place(*last_, layout).has_value() ? last_ : nullptr;
}

/// Cuts what is asked for out of a free block in which it fits.
std::byte* Blocks::hand_out(Block* block, Layout layout) {
    const std::size_t gap = place(*block, layout).value_or(0);
    if (gap != 0) block = split(block, gap - Block::header());
    if (block->size - layout.size >= smallest_block) split(block, layout.size);
    Block* const above = block->next_free;
    take(block);
    rover_ = above;
    trace(Step::take, block);
    return block->payload();
}

bool Search::fits(const Block* block) const {
    const bool fits = place(*block, layout_).has_value();
    blocks_.trace(fits ? Step::fits : Step::too_small, block);
    return fits;
}

// --- what programs do wrong ---------------------------------------------------------------------

/// The block of `payload` if it is a used one (that was asked for with `layout`); else nullptr, and
/// the hook hears why.
Block* Blocks::used_block(std::byte* payload, std::optional<Layout> layout) const {
    const auto refuse = [&](HeapFaultKind kind, std::size_t size = 0) {
        report_(kind, payload, size);
        return nullptr;
    };
    if (!is_within(payload)) return refuse(HeapFaultKind::foreign_pointer);
    if (reinterpret_cast<std::uintptr_t>(payload) % grain != 0)
        return refuse(HeapFaultKind::invalid_pointer);
    Block* const block = Block::of(payload);
    if (!block->is_sound()) return refuse(diagnose(block));
    if (block->state != State::used) return refuse(HeapFaultKind::double_free);
    if (block->next != nullptr && block->touches(block->next) && !block->next->is_sound())
        return refuse(HeapFaultKind::overflow, block->size);
    if (!layout) return block;
    const std::size_t size = layout->is_valid() ? whole_grains(*layout).size : SIZE_MAX;
    if (size > block->size || block->size - size >= smallest_block)
        return refuse(HeapFaultKind::wrong_size, block->size);
    if (reinterpret_cast<std::uintptr_t>(payload) % layout->alignment != 0)
        return refuse(HeapFaultKind::wrong_alignment, block->size);
    return block;
}

/// There is no sound header at `block`: has one been damaged, or was there never any?
HeapFaultKind Blocks::diagnose(const Block* block) const {
    const Block* each = first_;
    while (each != nullptr && each != block && each->is_sound())
        each = each->next;
    return each == block ? HeapFaultKind::corrupt_header : HeapFaultKind::invalid_pointer;
}

/// Whether it lies between the first payload and the end of the last: there is memory around it.
bool Blocks::is_within(const void* pointer) const {
    if (first_ == nullptr) return false;
    const auto at = reinterpret_cast<std::uintptr_t>(pointer);
    return at >= reinterpret_cast<std::uintptr_t>(first_->payload()) &&
           at < reinterpret_cast<std::uintptr_t>(last_->payload() + last_->size);
}

// --- walking over all blocks --------------------------------------------------------------------

bool Blocks::owns(const void* pointer) const {
    const auto at = reinterpret_cast<std::uintptr_t>(pointer);
    for (const Block* block = first_; block != nullptr; block = block->next) {
        const auto start = reinterpret_cast<std::uintptr_t>(block);
        if (at >= start && at - start < Block::header() + block->size) return true;
    }
    return false;
}

bool Blocks::check() const {
    const Block* last = nullptr;
    const Block* last_free = nullptr;
    for (const Block* block = first_; block != nullptr; last = block, block = block->next) {
        if (!block->is_sound()) {
            report_(HeapFaultKind::corrupt_header, block->payload());
            return false;
        }
        bool agrees = block->previous == last && block->state != State::joined;
        if (block->is_free()) {
            agrees &= block->previous_free == last_free;
            agrees &= (last_free == nullptr ? first_free_ : last_free->next_free) == block;
            agrees &= last == nullptr || !last->is_free() || !last->touches(block);
            last_free = block;
        }
        if (!agrees) {
            report_(HeapFaultKind::corrupt_free_list, block->payload(), block->size);
            return false;
        }
    }
    return last == last_ && last_free == last_free_;
}

void Blocks::draw(Writer& writer) const {
    constexpr std::string_view used = "########", free = "........";
    for (const Block* block = first_; block != nullptr; block = block->next) {
        if (!block->is_sound()) return writer.write("[?]");
        if (block->previous != nullptr && !block->previous->touches(block)) writer.write(" ");
        const std::string_view marks = block->is_free() ? free : used;
        print(writer, "[{} {}]", marks.substr(0, block->size / grain), block->size);
    }
}

Statistics Blocks::statistics() const {
    Statistics result;
    for (const Block* block = first_; block != nullptr; block = block->next) {
        if (block->previous == nullptr || !block->previous->touches(block)) ++result.chunks;
        if (block->is_free()) {
            ++result.free_blocks;
            result.free_bytes += block->size;
            result.largest_free = std::max(result.largest_free, block->size);
        } else {
            ++result.used_blocks;
            result.used_bytes += block->size;
        }
    }
    return result;
}

// --- looking on ---------------------------------------------------------------------------------

std::size_t Blocks::offset(const void* address) const {
    return static_cast<std::size_t>(static_cast<const std::byte*>(address) -
                                    reinterpret_cast<const std::byte*>(first_));
}

void Blocks::trace(Step step, const Block* block, const Block* other) const {
    if (trace_.function == nullptr) return;
    trace_({.step = step,
            .at = offset(block->payload()),
            .size = block->size,
            .other = other == nullptr ? 0 : offset(other->payload())});
}

std::string_view to_string(Step step) {
    switch (step) {
        case Step::allocate: return "allocate";
        case Step::too_small: return "too small";
        case Step::fits: return "fits";
        case Step::grow: return "grow";
        case Step::split: return "split";
        case Step::take: return "take";
        case Step::refuse: return "refuse";
        case Step::free: return "free";
        case Step::coalesce: return "coalesce";
        case Step::resize: return "resize";
    }
    return "unknown step";
}

void format_value(Writer& writer, const Event& event) {
    const auto [step, at, size, other] = event;
    print(writer, "{}: ", to_string(step));
    switch (step) {
        case Step::allocate:
            print(writer, "{} bytes", size);
            if (other > default_alignment) print(writer, " at a multiple of {}", other);
            return;
        case Step::too_small:
        case Step::fits:
        case Step::take:
        case Step::free: return print(writer, "+{}, {} bytes", at, size);
        case Step::grow: return print(writer, "the break gives {} bytes at +{}", size, at);
        case Step::split:
            return print(writer, "+{} keeps {} bytes, and +{} is a block of its own", at, size,
                         other);
        case Step::refuse: return print(writer, "nothing fits, and the break gives no more");
        case Step::coalesce:
            return print(writer, "+{} and +{} become one block of {} bytes", at, other, size);
        case Step::resize: return print(writer, "+{} from {} bytes to {}", at, other, size);
    }
}

}  // namespace cairn::classic
