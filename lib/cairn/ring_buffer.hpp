// SPDX-License-Identifier: MIT
// A first-in first-out queue of at most `Capacity` elements inside the object: no allocation, and
// usable in constant evaluation where the elements are plain values. A full ring refuses and never
// overwrites. Taking from an empty one (other than by a try_ form) panics, as does an index
// outside. No lock.
//
//      head_ counts every element taken out, tail_ every one put in; both wrap at 2^64 and are
//      indices modulo Capacity
//      [ . . a b c . . . ]        size() = tail_ - head_
//            ^head   ^tail
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <type_traits>
#include <utility>

#include "cairn/container/access.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/vector/inplace_storage.hpp"

namespace cairn {

template <class T, std::size_t Capacity>
class ring_buffer {
    using Here = std::source_location;

  public:
    using value_type = T;
    using size_type = std::size_t;

    /// Not `= default`: then ring_buffer() would write zeros to all of it first.
    constexpr ring_buffer() noexcept {}
    constexpr ring_buffer(const ring_buffer&)
        requires PlainValue<T>
    = default;
    constexpr ring_buffer& operator=(const ring_buffer&)
        requires PlainValue<T>
    = default;
    constexpr ~ring_buffer()
        requires std::is_trivially_destructible_v<T>
    = default;
    constexpr ~ring_buffer() { clear(); }

    [[nodiscard]] static constexpr size_type capacity() { return Capacity; }
    [[nodiscard]] constexpr size_type size() const { return tail_ - head_; }
    [[nodiscard]] constexpr size_type room() const { return Capacity - size(); }
    [[nodiscard]] constexpr bool empty() const { return head_ == tail_; }
    [[nodiscard]] constexpr bool full() const { return size() == Capacity; }

    /// The `index`-th oldest element.
    [[nodiscard]] constexpr T& operator[](Index index) {
        check_index(index.at, index.where);
        return *slot(head_ + index.at);
    }
    [[nodiscard]] constexpr const T& operator[](Index index) const {
        check_index(index.at, index.where);
        return *slot(head_ + index.at);
    }
    /// The oldest element.
    [[nodiscard]] constexpr T& front(Here where = Here::current()) {
        check_not_empty("front()", where);
        return *slot(head_);
    }
    [[nodiscard]] constexpr const T& front(Here where = Here::current()) const {
        check_not_empty("front()", where);
        return *slot(head_);
    }

    /// The new element; null, and nothing has been moved from, when the ring is full.
    template <class... Arguments>
        requires std::is_constructible_v<T, Arguments...>
    [[nodiscard]] constexpr T* try_emplace_back(Arguments&&... arguments) {
        if (full()) return nullptr;
        T* const place = std::construct_at(slot(tail_), std::forward<Arguments>(arguments)...);
        ++tail_;
        return place;
    }
    [[nodiscard]] constexpr T* try_push_back(const T& value) { return try_emplace_back(value); }
    [[nodiscard]] constexpr T* try_push_back(T&& value) {
        return try_emplace_back(std::move(value));
    }
    /// Appends as many of `elements` as fit, from the first on; how many that was.
    [[nodiscard]] constexpr size_type try_append(std::span<const T> elements) {
        const size_type count = std::min(elements.size(), room());
        const size_type start = tail_ % Capacity;
        const size_type first = std::min(count, Capacity - start);
        fill(start, elements.first(first));
        fill(0, elements.subspan(first, count - first));
        tail_ += count;
        return count;
    }

    constexpr void pop_front(Here where = Here::current()) {
        check_not_empty("pop_front()", where);
        drop(1);
    }
    /// Takes the oldest element out; nothing when the ring is empty.
    [[nodiscard]] constexpr std::optional<T> try_pop_front() {
        if (empty()) return std::nullopt;
        std::optional<T> oldest(std::move(*slot(head_)));
        drop(1);
        return oldest;
    }
    /// Takes the oldest elements out into `into`, as many as there are and fit; how many that was.
    [[nodiscard]] constexpr size_type try_pop_front(std::span<T> into) {
        const size_type count = std::min(into.size(), size());
        const size_type start = head_ % Capacity;
        const size_type first = std::min(count, Capacity - start);
        std::move(slots_.data() + start, slots_.data() + start + first, into.data());
        std::move(slots_.data(), slots_.data() + (count - first), into.data() + first);
        drop(count);
        return count;
    }
    constexpr void clear() { drop(size()); }

  private:
    [[nodiscard]] constexpr T* slot(size_type count) { return slots_.data() + count % Capacity; }
    [[nodiscard]] constexpr const T* slot(size_type count) const {
        return slots_.data() + count % Capacity;
    }
    constexpr void fill(size_type start, std::span<const T> elements) {
        if constexpr (PlainValue<T>) {
            std::ranges::copy(elements, slots_.data() + start);
        } else {
            std::ranges::uninitialized_copy(elements,
                                            std::span(slots_.data() + start, elements.size()));
        }
    }
    constexpr void drop(size_type count) {
        if constexpr (std::is_trivially_destructible_v<T>) {
            head_ += count;
        } else {
            for (; count > 0; --count)
                std::destroy_at(slot(head_++));
        }
    }
    constexpr void check_index(size_type index, Here where) const {
        if (index >= size()) [[unlikely]]
            panic_index("ring_buffer", index, size(), where);
    }
    constexpr void check_not_empty(const char* what, Here where) const {
        if (empty()) [[unlikely]]
            panic_empty("ring_buffer", what, where);
    }

    InplaceStorage<T, Capacity> slots_;
    size_type head_ = 0;
    size_type tail_ = 0;
};

template <class T, std::size_t Capacity>
    requires(!is_element<T> || !std::has_single_bit(Capacity))
class ring_buffer<T, Capacity> {
    static_assert(is_element<T>,
                  "ring_buffer: its elements are objects, neither const nor volatile");
    static_assert(std::has_single_bit(Capacity), "ring_buffer: its capacity is a power of two");
};

}  // namespace cairn
