// SPDX-License-Identifier: MIT
// The characters of `basic_string`: where they lie, and how some are replaced by others. Blocks
// come and grow as a vector's do. No public interface: see lib/cairn/string.hpp.
//
//     size_and_place_    size * 2 + (1 if on the heap)
//     inline_            up to 15 characters and a NUL           } one of the two
//     heap_              address, capacity (the NUL counts)      }
//
// A NUL follows the last character always. No pointer leads into the object itself, so a string is
// relocated by copying its bytes. Every operation obtains its memory first and changes the string
// after that. In constant evaluation, where nobody can tell whether two texts overlap, every change
// goes to a new block.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <source_location>
#include <string_view>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/fallible.hpp"
#include "cairn/container/vector/vector_storage.hpp"

namespace cairn {

template <class Allocator>
class StringStorage : protected BlockSource<char, Allocator> {
    using Source = BlockSource<char, Allocator>;
    using Here = std::source_location;

  public:
    StringStorage(const StringStorage&) = delete;
    StringStorage& operator=(const StringStorage&) = delete;

  protected:
    using Source::allocator_;
    using typename Source::Block, typename Source::Traits;
    template <class Value>
    using Result = std::expected<Value, ContainerError>;
    static constexpr std::size_t inline_capacity = 15;
    struct Inline {
        char text[inline_capacity + 1] = {};
    };

    constexpr explicit StringStorage(const Allocator& allocator) noexcept : Source(allocator) {}
    constexpr ~StringStorage() { release(); }

    [[nodiscard]] constexpr bool is_on_heap() const noexcept { return size_and_place_ % 2 != 0; }
    [[nodiscard]] constexpr std::size_t length() const noexcept { return size_and_place_ / 2; }
    [[nodiscard]] constexpr char* chars() noexcept {
        return is_on_heap() ? heap_.data : inline_.text;
    }
    [[nodiscard]] constexpr const char* chars() const noexcept {
        return is_on_heap() ? heap_.data : inline_.text;
    }
    [[nodiscard]] constexpr std::size_t room() const noexcept {
        return is_on_heap() ? heap_.capacity - 1 : inline_capacity;
    }
    [[nodiscard]] constexpr std::size_t maximum() const noexcept {
        return this->largest_block() - 1;
    }

    constexpr void set_length(std::size_t size) {
        size_and_place_ = size * 2 + size_and_place_ % 2;
        put(chars() + size, '\0');
    }

    // --- characters

    static constexpr void put(char* at, char letter) {
        if consteval {
            std::construct_at(at, letter);
        } else {
            *at = letter;
        }
    }
    /// To a place that does not overlap `from`.
    static constexpr void copy(char* to, std::string_view from) {
        if consteval {
            for (std::size_t i = 0; i < from.size(); ++i)
                std::construct_at(to + i, from[i]);
        } else {
            if (!from.empty()) std::memcpy(to, from.data(), from.size());  // which takes no null
        }
    }
    static void move(char* to, std::string_view from) {
        if (!from.empty()) std::memmove(to, from.data(), from.size());
    }

    // --- blocks

    constexpr void release() {
        if (is_on_heap()) Traits::deallocate(allocator_, heap_.data, heap_.capacity);
        std::construct_at(&inline_);
        size_and_place_ = 0;
    }
    /// Takes `block`, in which there are as many characters as here, as the storage.
    constexpr void adopt(Block block) {
        const std::size_t size = length();
        release();
        std::construct_at(&heap_, block);
        size_and_place_ = size * 2 + 1;
    }
    /// The text of `other`, which is left empty; the allocators are equal, and here is none.
    constexpr void steal(StringStorage& other) noexcept {
        size_and_place_ = std::exchange(other.size_and_place_, 0);
        if (is_on_heap()) {
            std::construct_at(&heap_, other.heap_);
        } else {
            std::construct_at(&inline_, other.inline_);
        }
        std::construct_at(&other.inline_);
    }

    constexpr std::unexpected<ContainerError> too_long(OnFailure failure, std::size_t size) const {
        if (failure == OnFailure::panic) panic_length("string", size, maximum());
        return std::unexpected(ContainerError::too_long);
    }
    [[nodiscard]] constexpr bool resize_in_place(std::size_t capacity) {
        return is_on_heap() && capacity <= maximum() && this->resize_block(heap_, capacity + 1);
    }

    /// Room for `added` characters more than `kept` ones: nothing where they fit in place, else a
    /// new block.
    constexpr Result<Block> make_room(OnFailure failure, std::size_t kept, std::size_t added) {
        if (added > maximum() - kept) return too_long(failure, maximum() + 1);
        const std::size_t required = kept + added;
        if !consteval {
            if (required <= room()) return Block{};
        }
        Block own{is_on_heap() ? heap_.data : nullptr, room() + 1};
        const Result<Block> block = this->grow(failure, own, required + 1, maximum() + 1);
        if (is_on_heap()) heap_.capacity = own.capacity;
        return block;
    }

    // --- changes

    /// `added`, which may be part of this string, instead of `removed` characters at `index`.
    constexpr Result<void> replace_at(OnFailure failure, std::size_t index, std::size_t removed,
                                      std::string_view added) {
        const std::size_t rest = length() - index - removed;
        const Result<Block> block = make_room(failure, length() - removed, added.size());
        if (!block) return std::unexpected(block.error());
        if (block->data != nullptr) {
            copy(block->data, {chars(), index});
            copy(block->data + index, added);
            copy(block->data + index + added.size(), {chars() + index + removed, rest});
            adopt(*block);
        } else {
            replace_in_place(chars() + index, removed, rest, added);
        }
        set_length(index + added.size() + rest);
        return {};
    }

    void replace_in_place(char* at, std::size_t removed, std::size_t rest, std::string_view added) {
        const std::string_view tail(at + removed, rest);
        if (added.size() <= removed) {
            move(at, added);
            move(at + added.size(), tail);
            return;
        }
        // The tail moves up first, and with it what of `added` lies in it.
        const std::size_t stays = part_before(at + removed, added);
        const std::size_t shift = added.size() - removed;
        move(at + added.size(), tail);
        move(at, added.substr(0, stays));
        if (stays == added.size()) return;
        move(at + stays, {added.data() + stays + shift, added.size() - stays});
    }
    /// How many characters of `piece` lie before `tail` in this string, or elsewhere.
    [[nodiscard]] std::size_t part_before(const char* tail, std::string_view piece) const {
        const char* const start = piece.data();
        const std::less<const char*> before;
        if (before(start, chars()) || !before(start, chars() + length())) return piece.size();
        if (start >= tail) return 0;
        const auto distance = static_cast<std::size_t>(tail - start);
        return distance < piece.size() ? distance : piece.size();
    }

    /// The first `kept` characters and `count` times `letter` behind them.
    constexpr Result<void> fill_from(OnFailure failure, std::size_t kept, std::size_t count,
                                     char letter) {
        const Result<Block> block = make_room(failure, kept, count);
        if (!block) return std::unexpected(block.error());
        if (block->data != nullptr) {
            copy(block->data, {chars(), kept});
            adopt(*block);
        }
        for (std::size_t i = 0; i < count; ++i)
            put(chars() + kept + i, letter);
        set_length(kept + count);
        return {};
    }

    constexpr Result<void> push(OnFailure failure, char letter) {
        if (length() == room()) [[unlikely]]
            return fill_from(failure, length(), 1, letter);
        put(chars() + length(), letter);
        set_length(length() + 1);
        return {};
    }
    constexpr Result<void> resize_to(OnFailure failure, std::size_t count, char letter) {
        if (count > length()) return fill_from(failure, length(), count - length(), letter);
        set_length(count);
        return {};
    }
    /// How many of `count` characters from `index` on there are.
    constexpr std::size_t present(std::size_t index, std::size_t count, Here where) const {
        if (index > length()) [[unlikely]]
            panic_index("string", index, length(), where);
        return count < length() - index ? count : length() - index;
    }

    constexpr Result<void> reserve_at_least(OnFailure failure, std::size_t count) {
        if (count <= room() || resize_in_place(count)) return {};
        if (count > maximum()) return too_long(failure, count);
        const Result<Block> block = this->obtain_block(failure, count + 1);
        if (!block) return std::unexpected(block.error());
        move_to(*block);
        return {};
    }
    constexpr void move_to(Block block) {
        copy(block.data, {chars(), length() + 1});
        adopt(block);
    }
    /// Gives back what is not needed, where that takes no more memory than there is.
    constexpr void shrink() {
        if (length() == room()) return;
        if (length() <= inline_capacity) {
            if (!is_on_heap()) return;
            const Block old = heap_;
            const std::size_t size = length();
            std::construct_at(&inline_);
            size_and_place_ = size * 2;
            copy(inline_.text, {old.data, size});
            Traits::deallocate(allocator_, old.data, old.capacity);
        } else if (!resize_in_place(length())) {
            const Result<Block> block = this->obtain_block(OnFailure::report, length() + 1);
            if (block) move_to(*block);
        }
    }

    std::size_t size_and_place_ = 0;
    union {
        Inline inline_{};
        Block heap_;
    };
};

}  // namespace cairn
