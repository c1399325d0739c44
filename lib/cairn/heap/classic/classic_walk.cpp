// SPDX-License-Identifier: MIT
// What walks over all blocks of a classical heap.
#include <algorithm>

#include "cairn/heap/classic/classic_blocks.hpp"
#include "cairn/print.hpp"

namespace cairn::classic {

bool Blocks::owns(const void* pointer) const {
    const auto at = reinterpret_cast<std::uintptr_t>(pointer);
    for (const Block* block = first_; block != nullptr; block = block->next) {
        if (!verify(block)) return false;
        const auto start = reinterpret_cast<std::uintptr_t>(block);
        if (at >= start && at - start < Block::header() + block->size) return true;
    }
    return false;
}

bool Blocks::check() const {
    const Block* last = nullptr;
    const Block* last_free = nullptr;
    for (const Block* block = first_; block != nullptr; block = block->next) {
        if (!verify(block)) return false;
        bool agrees = block->previous == last && block->state != State::joined;
        if (last != nullptr)
            agrees &= last->payload() + last->size <= reinterpret_cast<const std::byte*>(block);
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
        last = block;
    }
    return last == last_ && last_free == last_free_;
}

void Blocks::draw(Writer& writer) const {
    constexpr std::string_view used = "########", free = "........";
    for (const Block* block = first_; block != nullptr; block = block->next) {
        if (!verify(block)) return writer.write("[?]");
        if (block->previous != nullptr && !block->previous->touches(block)) writer.write(" ");
        const std::string_view marks = block->is_free() ? free : used;
        print(writer, "[{} {}]", marks.substr(0, block->size / grain), block->size);
    }
}

Statistics Blocks::statistics() const {
    Statistics result;
    for (const Block* block = first_; block != nullptr && verify(block); block = block->next) {
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

}  // namespace cairn::classic
