// SPDX-License-Identifier: MIT
// The elements of `vector`: how they are made, moved, assigned and removed, one by one or by the
// range. No public interface: see lib/cairn/vector.hpp; invariants:
// lib/cairn/container/vector/vector_storage.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/container/access.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/temporary.hpp"
#include "cairn/container/vector/relocate.hpp"
#include "cairn/container/vector/vector_storage.hpp"

namespace cairn {

template <class T, class Allocator>
class VectorElements : public VectorStorage<T, Allocator> {
    using Storage = VectorStorage<T, Allocator>;

  protected:
    using Storage::adopt, Storage::make_room, Storage::move_to, Storage::new_block;
    using Storage::data_, Storage::size_, Storage::capacity_, Storage::allocator_;
    using Storage::release, Storage::reserve_at_least, Storage::resize_in_place, Storage::steal,
        Storage::truncate;
    using Storage::Storage;
    using typename Storage::Block, typename Storage::Traits;
    template <class Value>
    using Result = std::expected<Value, ContainerError>;

    /// Reads as many copies of one value as one likes.
    struct Repeat {
        const T* value;
        constexpr const T& operator*() const { return *value; }
        constexpr Repeat& operator++() { return *this; }
    };

    template <class... Arguments>
    constexpr void construct(T* at, Arguments&&... arguments) {
        Traits::construct(allocator_, at, std::forward<Arguments>(arguments)...);
    }

    /// Whether a T made from `*iterator` is a copy of its bytes.
    template <class Iterator>
    static constexpr bool copies_bytes = [] {
        if constexpr (std::contiguous_iterator<Iterator> && !ObservesElements<Allocator, T>) {
            using From = std::iter_reference_t<Iterator>;
            return std::is_same_v<std::remove_const_t<std::remove_reference_t<From>>, T> &&
                   std::is_trivially_copyable_v<T> && std::is_trivially_constructible_v<T, From>;
        } else {
            return false;
        }
    }();

    /// Constructs `count` elements in raw storage from `*first`, `*++first` ...
    template <class Iterator>
    constexpr void construct_from(T* at, Iterator first, std::size_t count) {
        if constexpr (copies_bytes<Iterator>) {
            if !consteval {
                if (count == 0) return;  // memcpy does not take null, even for nothing
                std::memcpy(static_cast<void*>(at), std::to_address(first), count * sizeof(T));
                return;
            }
        }
        for (std::size_t i = 0; i < count; ++i, (void)++first) {
            construct(at + i, *first);
        }
    }

    constexpr void erase_at(std::size_t index, std::size_t count) {
        if (count == 0) return;
        destroy_elements(allocator_, data_ + index, count);
        T* const gap = data_ + index;
        relocate_down(allocator_, gap + count, size_ - index - count, gap);
        size_ -= count;
    }

    /// Removes the elements that satisfy `predicate`, without assigning any; how many.
    template <class Predicate>
    constexpr std::size_t erase_where(Predicate predicate) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            if (predicate(std::as_const(data_[i]))) {
                destroy_elements(allocator_, data_ + i, 1);
            } else {
                if (kept != i) relocate_element(allocator_, data_ + i, data_ + kept);
                ++kept;
            }
        }
        return std::exchange(size_, kept) - kept;
    }

    /// Room for `extra` more elements at the end.
    constexpr Result<void> extend(OnFailure failure, std::size_t extra) {
        const Result<Block> room = make_room(failure, extra);
        if (!room) return std::unexpected(room.error());
        if (room->data != nullptr) move_to(*room, size_, 0);
        return {};
    }

    /// Appends `value`. One that fits in registers stays there, so that the usual path is a handful
    /// of instructions without a stack frame.
    template <class Value>
    constexpr Result<T*> push(OnFailure failure, Value&& value) {
        if constexpr (std::is_trivially_copyable_v<T> && sizeof(T) <= 2 * sizeof(void*)) {
            T held(std::forward<Value>(value));
            if (size_ == capacity_) [[unlikely]]
                return push_to_full(failure, std::move(held));
            T* const at = data_ + size_++;  // counted first: storing a T might change size_
            construct(at, std::move(held));
            return at;
        } else {
            return emplace_last(failure, std::forward<Value>(value));
        }
    }

    constexpr Result<T*> push_to_full(OnFailure failure, T held) {
        const Result<void> extended = extend(failure, 1);
        if (!extended) return std::unexpected(extended.error());
        construct(data_ + size_, std::move(held));
        return data_ + size_++;
    }

    template <class... Arguments>
    constexpr Result<T*> emplace_last(OnFailure failure, Arguments&&... arguments) {
        if (size_ == capacity_) [[unlikely]] {
            if constexpr (Storage::elements_move) {
                return emplace_at(failure, size_, std::forward<Arguments>(arguments)...);
            } else if (const auto extended = extend(failure, 1); !extended) {
                return std::unexpected(extended.error());
            }
        }
        construct(data_ + size_, std::forward<Arguments>(arguments)...);
        return data_ + size_++;
    }

    /// The arguments may refer to elements: they are used before any element moves.
    template <class... Arguments>
    constexpr Result<T*> emplace_at(OnFailure failure, std::size_t index,
                                    Arguments&&... arguments) {
        const Result<Block> room = make_room(failure, 1);
        if (!room) return std::unexpected(room.error());
        if (room->data != nullptr) {
            construct(room->data + index, std::forward<Arguments>(arguments)...);
            move_to(*room, index, 1);
        } else if (index == size_) {
            construct(data_ + index, std::forward<Arguments>(arguments)...);
        } else {
            Temporary<T, Allocator> element(allocator_, std::forward<Arguments>(arguments)...);
            relocate_up(allocator_, data_ + index, size_ - index, data_ + index + 1);
            move_element(allocator_, std::addressof(element.value), data_ + index);
        }
        ++size_;
        return data_ + index;
    }

    template <class Iterator>
    constexpr T* insert_into(Block room, std::size_t index, Iterator first, std::size_t count) {
        if (room.data != nullptr) {
            construct_from(room.data + index, std::move(first), count);
            move_to(room, index, count);
        } else {
            if (count != 0) {
                relocate_up(allocator_, data_ + index, size_ - index, data_ + index + count);
            }
            construct_from(data_ + index, std::move(first), count);
        }
        size_ += count;
        return data_ + index;
    }

    template <class Iterator>
    constexpr Result<T*> insert_counted(OnFailure failure, std::size_t index, Iterator first,
                                        std::size_t count) {
        const Result<Block> room = make_room(failure, count);
        if (!room) return std::unexpected(room.error());
        return insert_into(*room, index, std::move(first), count);
    }

    /// `value` may be an element.
    constexpr Result<T*> insert_copies(OnFailure failure, std::size_t index, std::size_t count,
                                       const T& value) {
        const Result<Block> room = make_room(failure, count);
        if (!room) return std::unexpected(room.error());
        if (room->data != nullptr || index == size_) {
            return insert_into(*room, index, Repeat{std::addressof(value)}, count);
        }
        const Temporary<T, Allocator> copy(allocator_, value);
        return insert_into(*room, index, Repeat{std::addressof(copy.value)}, count);
    }

    constexpr void construct_defaults(std::size_t count) {
        for (; count > 0; --count, ++size_) {
            construct(data_ + size_);
        }
    }

    template <class Iterator>
    constexpr Result<void> assign_counted(OnFailure failure, Iterator first, std::size_t count) {
        if (count > capacity_ && !resize_in_place(count)) {
            const Result<Block> block = new_block(failure, count);
            if (!block) return std::unexpected(block.error());
            construct_from(block->data, std::move(first), count);
            truncate(0);
            adopt(*block);
            size_ = count;
            return {};
        }
        std::size_t i = 0;
        if constexpr (std::is_assignable_v<T&, decltype(*first)>) {
            for (; i < size_ && i < count; ++i, (void)++first) {
                data_[i] = *first;
            }
        } else {
            truncate(0);  // entries of maps, whose keys are constant
        }
        if (count < size_) {
            truncate(count);
        } else {
            construct_from(data_ + size_, std::move(first), count - size_);
            size_ = count;
        }
        return {};
    }

    /// The elements of an empty vector without a block.
    template <class Iterator>
    constexpr Result<void> fill_new(OnFailure failure, Iterator first, std::size_t count) {
        const auto block = new_block(failure, count);
        if (!block) return std::unexpected(block.error());
        construct_from(block->data, std::move(first), count);
        adopt(*block);
        size_ = count;
        return {};
    }
    /// The elements of `other`, which is left empty, instead of ours: its block where the
    /// allocators are equal. As `other` may be part of one of ours, those end last.
    constexpr void take(VectorElements& other) {
        VectorElements fresh(allocator_);
        if (allocator_ != other.allocator_) {
            (void)fresh.reserve_at_least(OnFailure::panic, other.size_);
            relocate_down(allocator_, other.data_, other.size_, fresh.data_);
            fresh.size_ = std::exchange(other.size_, 0);
        } else {
            fresh.steal(other);
        }
        VectorElements ended(allocator_);
        ended.steal(*this);
        steal(fresh);
    }
    template <class... Value>
    constexpr Result<void> resize_with(OnFailure failure, std::size_t count,
                                       const Value&... value) {
        if (count <= size_) {
            truncate(count);
            return {};
        }
        if constexpr (sizeof...(Value) == 0) {
            const Result<void> extended = extend(failure, count - size_);
            if (!extended) return std::unexpected(extended.error());
            construct_defaults(count - size_);
            return {};
        } else {
            const auto result = insert_copies(failure, size_, count - size_, value...);
            if (!result) return std::unexpected(result.error());
            return {};
        }
    }
    constexpr Result<void> assign_copies(OnFailure failure, std::size_t count, const T& value) {
        const Temporary<T, Allocator> copy(allocator_, value);  // `value` may be an element
        return assign_counted(failure, Repeat{std::addressof(copy.value)}, count);
    }

    template <class Range>
    static constexpr bool is_counted =
        std::ranges::forward_range<Range> || std::ranges::sized_range<Range>;

    /// Appends the elements of a single-pass range, whose number only its end tells.
    template <class Range>
    constexpr Result<void> gather(OnFailure failure, Range&& range) {
        for (auto&& element : range) {
            const auto done = emplace_last(failure, std::forward<decltype(element)>(element));
            if (!done) return std::unexpected(done.error());
        }
        return {};
    }
    /// The elements of `range` for an empty vector without a block.
    template <class Range>
    constexpr Result<void> fill_all(OnFailure failure, Range&& range) {
        if constexpr (is_counted<Range>) {
            const auto count = static_cast<std::size_t>(std::ranges::distance(range));
            return fill_new(failure, std::ranges::begin(range), count);
        } else {
            return gather(failure, std::forward<Range>(range));
        }
    }
    template <class Range>
    constexpr Result<void> assign_all(OnFailure failure, Range&& range) {
        if constexpr (is_counted<Range>) {
            const auto count = static_cast<std::size_t>(std::ranges::distance(range));
            return assign_counted(failure, std::ranges::begin(range), count);
        } else {
            VectorElements gathered(allocator_);
            const Result<void> done = gathered.gather(failure, std::forward<Range>(range));
            if (done) take(gathered);
            return done;
        }
    }
    template <class Range>
    constexpr Result<T*> insert_all(OnFailure failure, std::size_t index, Range&& range) {
        if constexpr (is_counted<Range>) {
            const auto count = static_cast<std::size_t>(std::ranges::distance(range));
            return insert_counted(failure, index, std::ranges::begin(range), count);
        } else {
            VectorElements gathered(allocator_);
            const Result<void> done = gathered.gather(failure, std::forward<Range>(range));
            if (!done) return std::unexpected(done.error());
            return insert_counted(failure, index, std::move_iterator(gathered.data_),
                                  gathered.size_);
        }
    }
};

}  // namespace cairn
