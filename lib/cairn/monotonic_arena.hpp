// SPDX-License-Identifier: MIT
// Memory for things that end together: blocks cut off chunks, which come from any ByteAllocator and
// go back to it all at once, by `release` to a mark or when the arena ends.
//
//     mark ------------.                          chunks double in size, from `first_chunk` to
//                      v                          `largest_chunk`; a larger block has one of its
//                      own
//     [Chunk|block|block|  ]  <--  [Chunk|block|block|block|       ]  <-- chunk_
//
// Freeing a block gives it back if it is the last one, else it stays used. No lock (see Locked).
// The source outlives the arena.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>

#include "cairn/base/language.hpp"
#include "cairn/bits.hpp"
#include "cairn/heap/bump_arena.hpp"
#include "cairn/layout.hpp"

namespace cairn {

template <ByteAllocator Source>
class MonotonicArena {
    struct Chunk {
        Chunk* previous;
        std::size_t size;  ///< with this header
        BumpArena arena;   ///< of what follows
    };

  public:
    static constexpr std::size_t largest_chunk = std::size_t{256} << 10;

    /// A state to return to. Valid until the arena is released to an older one.
    class Mark {
        friend MonotonicArena;
        Chunk* chunk = nullptr;
        BumpArena::Mark at;
    };

    /// Takes nothing from `source` before the first block is asked for.
    constexpr explicit MonotonicArena(Source& source, std::size_t first_chunk = 1024)
        : source_(source), next_chunk_(std::clamp(first_chunk, 2 * sizeof(Chunk), largest_chunk)) {}
    MonotonicArena(const MonotonicArena&) = delete;
    MonotonicArena& operator=(const MonotonicArena&) = delete;
    ~MonotonicArena() { release_all(); }

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        if (chunk_ != nullptr) {
            std::byte* const block = chunk_->arena.take(layout.size, layout.alignment);
            if (block != nullptr) [[likely]]
                return block;
        }
        if (const auto grown = grow(layout); !grown) return std::unexpected(grown.error());
        return chunk_->arena.take(layout.size, layout.alignment);
    }

    void deallocate(std::byte* block, Layout layout) {
        if (chunk_ == nullptr) return;
        [[maybe_unused]] const auto given_back = chunk_->arena.free_last(block, layout.size);
    }

    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        return chunk_ != nullptr &&
               chunk_->arena.resize_last(block, layout.size, new_size).has_value();
    }

    [[nodiscard]] Mark mark() const {
        Mark mark;
        mark.chunk = chunk_;
        if (chunk_ != nullptr) mark.at = chunk_->arena.mark();
        return mark;
    }

    /// Takes back every block handed out since `mark`, and gives the source the chunks that were
    /// added since. Refuses marks that were released already, as far as that can be seen.
    [[nodiscard]] std::expected<void, AllocError> release(const Mark& mark) {
        if (mark.chunk == nullptr) {
            release_all();
            return {};
        }
        if (!has(mark.chunk)) return std::unexpected(AllocError::bad_mark);
        if (const auto rewound = mark.chunk->arena.rewind(mark.at); !rewound) return rewound;
        while (chunk_ != mark.chunk)
            drop_chunk();
        return {};
    }

    void release_all() {
        while (chunk_ != nullptr)
            drop_chunk();
    }

    /// Bytes handed out (with padding), and taken from the source.
    [[nodiscard]] std::size_t used() const {
        return sum([](const Chunk& chunk) { return chunk.arena.used(); });
    }
    [[nodiscard]] std::size_t capacity() const {
        return sum([](const Chunk& chunk) { return chunk.size; });
    }

  private:
    static_assert(sizeof(Chunk) % BumpArena::grain == 0);

    static constexpr Layout layout_of(std::size_t size) { return {size, BumpArena::grain}; }

    /// What a chunk needs to hold `layout` wherever it lies; nothing where no chunk can.
    static std::expected<std::size_t, AllocError> chunk_for(Layout layout) {
        if (!std::has_single_bit(layout.alignment)) {
            return std::unexpected(AllocError::bad_alignment);
        }
        // The header and the rounding up take less than two headers.
        const std::size_t around = std::max(layout.alignment, BumpArena::grain) + 2 * sizeof(Chunk);
        const auto total = checked_add(layout.size, around);
        if (!total || *total > PTRDIFF_MAX) return std::unexpected(AllocError::too_large);
        return *total;
    }

    /// Puts a chunk on top that has room for `layout`.
    std::expected<void, AllocError> grow(Layout layout) {
        const auto least = chunk_for(layout);
        if (!least) return std::unexpected(least.error());
        std::size_t size = std::max(*least, next_chunk_);
        auto memory = source_.allocate(layout_of(size));
        if (!memory && size > *least) {
            size = *least;
            memory = source_.allocate(layout_of(size));
        }
        if (!memory) return std::unexpected(memory.error());
        next_chunk_ = std::min(next_chunk_ * 2, largest_chunk);
        auto* const chunk = std::construct_at(reinterpret_cast<Chunk*>(*memory), chunk_, size);
        const Region rest{*memory + sizeof(Chunk), size - sizeof(Chunk)};
        [[maybe_unused]] const auto holds = chunk->arena.init(rest);  // `least` is large enough
        chunk_ = chunk;
        return {};
    }

    void drop_chunk() {
        Chunk* const chunk = chunk_;
        chunk_ = chunk->previous;
        source_.deallocate(reinterpret_cast<std::byte*>(chunk), layout_of(chunk->size));
    }

    [[nodiscard]] bool has(const Chunk* wanted) const {
        const Chunk* chunk = chunk_;
        while (chunk != nullptr && chunk != wanted)
            chunk = chunk->previous;
        return chunk != nullptr;
    }

    template <class Measure>
    [[nodiscard]] std::size_t sum(Measure measure) const {
        std::size_t total = 0;
        for (const Chunk* chunk = chunk_; chunk != nullptr; chunk = chunk->previous)
            total += measure(*chunk);
        return total;
    }

    Source& source_;
    Chunk* chunk_ = nullptr;
    std::size_t next_chunk_;
};

}  // namespace cairn
