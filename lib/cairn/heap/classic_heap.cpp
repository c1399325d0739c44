// SPDX-License-Identifier: MIT
#include "cairn/classic_heap.hpp"

#include <algorithm>

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

/// How many bytes of `block` are skipped so that a payload with this layout is aligned; nothing
/// where it does not fit. What is skipped must be long enough to be a block of its own.
std::optional<std::size_t> gap_in(const Block& block, Layout layout) {
    if (layout.size > block.size) return std::nullopt;
    const std::uintptr_t start = address(block.payload());
    const std::size_t mask = layout.alignment - 1;
    std::size_t gap = (0 - start) & mask;
    if (gap != 0 && gap < smallest_block)
        gap = smallest_block + ((0 - start - smallest_block) & mask);
    if (gap > block.size - layout.size) return std::nullopt;
    return gap;
}

void link(Block* below, Block* above) {
    below->next = above;
    above->previous = below;
}

void link_free(Block* below, Block* above) {
    below->next_free = above;
    above->previous_free = below;
}

void insert_free(Block* below, Block* block) {
    link_free(block, below->next_free);
    link_free(below, block);
}

/// The same of blocks that stay. A header above that was written over is left open, to be found.
void join(Block* below, Block* above) {
    const bool is_sound = above->is_sound();
    link(below, above);
    if (is_sound) above->close();
}

/// Writes a header at `place`, of a block behind `below`.
Block* insert(Block* below, std::byte* place, std::size_t size, State state) {
    auto* const block = reinterpret_cast<Block*>(place);
    block->size = size;
    block->state = state;
    join(block, below->next);
    link(below, block);
    for (Block* changed : {below, block})
        changed->close();
    return block;
}

/// Tells who watches. Calls stand at the margin, their steps are indented.
template <class... Values>
void say(Writer* trace, FormatString<Values...> sentence, const Values&... values) {
    if (trace != nullptr) println(*trace, sentence, values...);
}

}  // namespace

// --- what callers ask for -----------------------------------------------------------------------

std::expected<std::byte*, AllocError> Blocks::allocate(Layout layout) {
    if (!std::has_single_bit(layout.alignment)) return std::unexpected(AllocError::bad_alignment);
    if (layout.size > PTRDIFF_MAX) return std::unexpected(AllocError::too_large);
    say(trace_, "allocate: {} bytes at a multiple of {}", layout.size, layout.alignment);
    const Layout wanted = whole_grains(layout);
    Block* block = choose_(*this, wanted);
    if (block == nullptr) block = grow(wanted);
    if (block == nullptr) {
        say(trace_, "    refuse: nothing fits, and the break gives no more");
        return std::unexpected(AllocError::out_of_memory);
    }
    const std::size_t gap = gap_in(*block, wanted).value_or(0);
    if (gap != 0) block = split(block, gap - Block::header());
    if (block->size - wanted.size >= smallest_block) split(block, wanted.size);
    take(block);
    rover_ = block->next_free;  // still there, as nobody has written to the payload
    say(trace_, "    take: +{}, {} bytes", offset(block), block->size);
    return block->payload();
}

void Blocks::deallocate(std::byte* payload, std::optional<Layout> layout) {
    if (payload == nullptr) return;
    Block* const block = used_block(payload, layout);
    if (block == nullptr) return;
    say(trace_, "free: +{}, {} bytes", offset(block), block->size);
    release(block);
}

bool Blocks::try_resize(std::byte* payload, Layout layout, std::size_t new_size) {
    Block* const block = used_block(payload, layout);
    if (block == nullptr || new_size > PTRDIFF_MAX) return false;
    const std::size_t size = whole_grains({.size = new_size}).size;
    say(trace_, "resize: +{} from {} bytes to {}", offset(block), block->size, size);
    if (size > block->size) {
        Block* const above = block->next;
        if (!above->is_free() || !block->touches(above)) return false;
        if (size > block->size + Block::header() + above->size) return false;
        take(above);
        absorb(block, above);
    }
    if (block->size - size >= smallest_block) release(split(block, size));
    return true;
}

std::size_t Blocks::usable_size(const std::byte* payload) const {
    if (!is_within(payload) || address(payload) % grain != 0) return 0;
    const Block* const block = Block::of(payload);
    return block->is_sound() && block->state == State::used ? block->size : 0;
}

bool Blocks::owns(const void* pointer) const {
    const Block* const block = block_at(pointer);
    return block != &ends_ && address(pointer) >= address(block) &&
           address(pointer) < address(block->end());
}

bool Blocks::fits(const Block* block, Layout wanted) const {
    const bool fits = gap_in(*block, wanted).has_value();
    say(trace_, "    {}: +{}, {} bytes", fits ? "fits" : "too small", offset(block), block->size);
    return fits;
}

// --- what is done to blocks ---------------------------------------------------------------------

/// Takes a chunk from the break, as one block, and releases it. The block at the end of the list,
/// in which `wanted` fits now; nullptr where the break gives no more.
Block* Blocks::grow(Layout wanted) {
    const std::size_t gap = wanted.alignment > grain ? smallest_block + wanted.alignment : 0;
    const auto least = checked_add(wanted.size, gap + Block::header());
    if (!least) return nullptr;
    std::size_t size = std::max(*least, chunk_size_ & ~(grain - 1));
    auto memory = source_.allocate(size, grain);
    if (!memory) memory = source_.allocate(size = *least, grain);
    if (!memory) return nullptr;
    Block* const block = insert(ends_.previous, *memory, size - Block::header(), State::used);
    say(trace_, "    grow: the break gives {} bytes at +{}", size, offset(block) - Block::header());
    release(block);
    return ends_.previous;
}

/// Cuts `block` off after `size` bytes. The rest is a block in the same state.
Block* Blocks::split(Block* block, std::size_t size) {
    const std::size_t rest_size = block->size - size - Block::header();
    block->size = size;
    Block* const rest = insert(block, block->end(), rest_size, block->state);
    if (block->is_free()) insert_free(block, rest);
    say(trace_, "    split: +{} keeps {} bytes, and +{} is a block of its own", offset(block), size,
        offset(rest));
    return rest;
}

/// The opposite: both are in the same state, touch each other, and become one block.
void Blocks::absorb(Block* block, Block* above) {
    if (rover_ == above) rover_ = block;
    if (block->is_free()) link_free(block, above->next_free);
    join(block, above->next);
    block->size += Block::header() + above->size;
    above->state = State::joined;
    for (Block* changed : {block, above})
        changed->close();
    say(trace_, "    coalesce: +{} and +{} become one block of {} bytes", offset(block),
        offset(above), block->size);
}

/// Takes a free block out of the free list: it is used from here on.
void Blocks::take(Block* block) {
    if (rover_ == block) rover_ = block->next_free;
    link_free(block->previous_free, block->next_free);
    block->state = State::used;
    block->close();
}

/// The opposite, and joins the block with the neighbours that are free as well.
void Blocks::release(Block* block) {
    Block* const below = free_below(block);
    insert_free(below, block);
    block->state = State::free;
    block->close();
    if (block->touches(block->next_free)) absorb(block, block->next_free);
    if (below->touches(block)) absorb(below, block);
}

/// The nearest free block below a used one; `ends_` where there is none.
///
/// In the long run about one block in three is free (Knuth's fifty-percent rule), so the walk is
/// short. Beyond both ends of the free list, and where that is empty, there is none.
Block* Blocks::free_below(Block* block) {
    if (block < ends_.next_free) return &ends_;
    if (block > ends_.previous_free) return ends_.previous_free;
    Block* below = block->previous;
    while (!below->is_free())
        below = below->previous;
    return below;
}

// --- what programs do wrong ---------------------------------------------------------------------

/// The block of `payload` if it is a used one (that was asked for with `layout`); else nullptr, and
/// the hook hears why.
Block* Blocks::used_block(std::byte* payload, std::optional<Layout> layout) const {
    using enum HeapFaultKind;
    const auto refuse = [&](HeapFaultKind kind, std::size_t size = 0) {
        report_(kind, payload, size);
        return nullptr;
    };
    if (!is_within(payload)) return refuse(foreign_pointer);
    if (address(payload) % grain != 0) return refuse(invalid_pointer);
    Block* const block = Block::of(payload);
    if (!block->is_sound())
        return refuse(block_at(block) == block ? corrupt_header : invalid_pointer);
    if (block->state != State::used) return refuse(double_free);
    if (block->touches(block->next) && !block->next->is_sound())
        return refuse(overflow, block->size);
    if (!layout) return block;
    const std::size_t size = layout->is_valid() ? whole_grains(*layout).size : SIZE_MAX;
    if (size > block->size || block->size - size >= smallest_block)
        return refuse(wrong_size, block->size);
    if (address(payload) % layout->alignment != 0) return refuse(wrong_alignment, block->size);
    return block;
}

/// Whether it lies between the first payload and the end of the last: there is memory around it.
bool Blocks::is_within(const void* pointer) const {
    return address(pointer) >= address(ends_.next->payload()) &&
           address(pointer) < address(ends_.previous->end());
}

/// The last block that begins up to `pointer`, or the first one; none behind a damaged header.
const Block* Blocks::block_at(const void* pointer) const {
    const Block* block = ends_.next;
    while (block->is_sound() && block->next != &ends_ && address(block->next) <= address(pointer))
        block = block->next;
    return block;
}

bool Blocks::check() const {
    using enum HeapFaultKind;
    const auto wrong = [&](HeapFaultKind kind, const Block* block) {
        report_(kind, block->payload(), kind == corrupt_header ? 0 : block->size);
        return false;
    };
    const Block* below = &ends_;
    const Block* free_below = &ends_;
    for (const Block* block = ends_.next; block != &ends_; block = block->next) {
        if (!block->is_sound()) return wrong(corrupt_header, block);
        bool agrees = block->previous == below && block->state != State::joined;
        if (block->is_free()) {
            agrees &= block->previous_free == free_below && free_below->next_free == block;
            agrees &= !below->is_free() || !below->touches(block);
            free_below = block;
        }
        if (!agrees) return wrong(corrupt_free_list, block);
        below = block;
    }
    const bool closed = ends_.previous == below && ends_.previous_free == free_below &&
                        free_below->next_free == &ends_;
    return closed || wrong(corrupt_free_list, free_below);
}

// --- looking on ---------------------------------------------------------------------------------

void Blocks::draw(Writer& writer) const {
    for (const Block* block = ends_.next; block != &ends_; block = block->next) {
        if (!block->is_sound()) return writer.write("[?]");
        if (block != ends_.next && !block->previous->touches(block)) writer.write(" ");
        const std::string_view marks = block->is_free() ? "........" : "########";
        print(writer, "[{} {}]", marks.substr(0, block->size / grain), block->size);
    }
}

Statistics Blocks::statistics() const {
    Statistics result;
    for (const Block* block = ends_.next; block != &ends_; block = block->next) {
        if (!block->previous->touches(block)) ++result.chunks;
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

/// Where its payload begins, counted from the first header: the same in every run.
std::size_t Blocks::offset(const Block* block) const {
    return address(block->payload()) - address(ends_.next);
}

}  // namespace cairn::classic
