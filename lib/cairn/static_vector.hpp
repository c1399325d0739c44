// SPDX-License-Identifier: MIT
// A vector of at most N elements inside the object (what C++26 calls std::inplace_vector): for
// tables read from input, whose capacity is a stated limit. Nothing is allocated. A try_ form says
// whether there was room, and has changed nothing where there was not; the plain forms panic, as
// any other misuse does. Of plain values it is one itself: trivially copyable, usable in constant
// evaluation. Iterators are pointers. No lock.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>

#include "cairn/container/access.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/from_range.hpp"
#include "cairn/container/vector/inplace_storage.hpp"

namespace cairn {

/// A range whose elements a T can be made of.
template <class Range, class T>
concept RangeFor = std::ranges::input_range<Range> &&
                   std::is_constructible_v<T, std::ranges::range_reference_t<Range>>;

template <class T, std::size_t N>
class static_vector : public ContiguousAccess<static_vector<T, N>, T> {
    using Access = ContiguousAccess<static_vector, T>;
    friend Access;
    using Access::check_not_empty, Access::index_of;
    static constexpr const char* container_name = "static_vector";
    static constexpr bool trivial = PlainValue<T>;
    using Storage = InplaceStorage<T, N>;
    using Here = std::source_location;

  public:
    using size_type = std::size_t;  // here, so that arguments are deduced
    using Access::begin, Access::end;
    using typename Access::iterator, typename Access::const_iterator;

    /// Not `= default`: then static_vector() would write zeros to all of it first.
    constexpr static_vector() noexcept {}
    constexpr static_vector(std::initializer_list<T> values) { append_range(values); }
    constexpr explicit static_vector(size_type count) { resize(count); }
    constexpr static_vector(size_type count, const T& value) { resize(count, value); }
    template <std::input_iterator Iterator>
    constexpr static_vector(Iterator first, Iterator last) {
        append_all(IteratorRange(std::move(first), std::move(last)));
    }
    template <RangeFor<T> Range>
    constexpr static_vector(from_range_t, Range&& range) {
        append_range(std::forward<Range>(range));
    }
    constexpr static_vector(const static_vector& other)
        requires trivial
    = default;
    constexpr static_vector(const static_vector& other)
        requires(!trivial && std::copy_constructible<T>)
    {
        append_range(other);
    }
    constexpr static_vector(static_vector&& other)
        requires trivial
    = default;
    /// Moves the elements; `other` keeps as many, moved from.
    constexpr static_vector(static_vector&& other) noexcept
        requires(!trivial)
    {
        take(other);
    }
    constexpr static_vector& operator=(const static_vector& other)
        requires trivial
    = default;
    constexpr static_vector& operator=(const static_vector& other)
        requires(!trivial && std::copy_constructible<T>)
    {
        if (this == &other) return *this;
        clear();
        append_range(other);
        return *this;
    }
    constexpr static_vector& operator=(static_vector&& other)
        requires trivial
    = default;
    constexpr static_vector& operator=(static_vector&& other) noexcept
        requires(!trivial)
    {
        if (this == &other) return *this;
        static_vector taken(std::move(other));  // before our elements end: it may be part of one
        clear();
        take(taken);
        return *this;
    }
    constexpr static_vector& operator=(std::initializer_list<T> values) {
        assign(values);
        return *this;
    }
    constexpr void assign(std::initializer_list<T> values) { assign_range(values); }
    /// `value` may be an element.
    constexpr void assign(size_type count, const T& value) {
        const T copy(value);
        clear();
        resize(count, copy);
    }
    template <std::input_iterator Iterator>
    constexpr void assign(Iterator first, Iterator last) {
        clear();
        append_all(IteratorRange(std::move(first), std::move(last)));
    }
    template <RangeFor<T> Range>
    constexpr void assign_range(Range&& range) {
        clear();
        append_range(std::forward<Range>(range));
    }
    constexpr ~static_vector()
        requires trivial
    = default;
    constexpr ~static_vector() { clear(); }

    // --- capacity; access and iterators are in lib/cairn/container/access.hpp

    [[nodiscard]] static constexpr size_type capacity() noexcept { return N; }
    [[nodiscard]] static constexpr size_type max_size() noexcept { return N; }
    [[nodiscard]] constexpr size_type size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool full() const noexcept { return size_ == N; }

    [[nodiscard]] constexpr T* data() noexcept { return storage_.data(); }
    [[nodiscard]] constexpr const T* data() const noexcept { return storage_.data(); }

    // --- forms that may find no room

    /// The new last element; null where it is full, and nothing has been moved from.
    template <class... Arguments>
        requires std::is_constructible_v<T, Arguments...>
    [[nodiscard]] constexpr T* try_emplace_back(Arguments&&... arguments) {
        if (size_ == N) return nullptr;
        T* const place = std::construct_at(end(), std::forward<Arguments>(arguments)...);
        ++size_;
        return place;
    }
    [[nodiscard]] constexpr T* try_push_back(const T& value) { return try_emplace_back(value); }
    [[nodiscard]] constexpr T* try_push_back(T&& value) {
        return try_emplace_back(std::move(value));
    }
    /// All of `range`, or nothing and false.
    template <RangeFor<T> Range>
        requires std::ranges::forward_range<Range>
    [[nodiscard]] constexpr bool try_append_range(Range&& range) {
        if (std::cmp_greater(std::ranges::distance(range), N - size_)) return false;
        for (auto&& element : range) {
            std::construct_at(end(), std::forward<decltype(element)>(element));
            ++size_;
        }
        return true;
    }
    /// The new element, in front of `position`; null where it is full. The arguments may be
    /// elements.
    template <class... Arguments>
        requires std::is_constructible_v<T, Arguments...>
    [[nodiscard]] constexpr T* try_emplace(Position<T> position, Arguments&&... arguments) {
        const size_type index = index_of(position);
        if (try_emplace_back(std::forward<Arguments>(arguments)...) == nullptr) return nullptr;
        return move_back_to(index, size_ - 1);
    }
    [[nodiscard]] constexpr T* try_insert(Position<T> position, const T& value) {
        return try_emplace(position, value);
    }
    [[nodiscard]] constexpr T* try_insert(Position<T> position, T&& value) {
        return try_emplace(position, std::move(value));
    }
    /// The first of `count` copies of `value`, which may be an element; null where it is too full.
    [[nodiscard]] constexpr T* try_insert(Position<T> position, size_type count, const T& value) {
        const size_type index = index_of(position);
        const size_type old_size = size_;
        if (count > N - size_ || !try_resize(size_ + count, value)) return nullptr;
        return move_back_to(index, old_size);
    }
    /// The first of the elements of `range`, none of ours; null where it is too full for all.
    template <RangeFor<T> Range>
        requires std::ranges::forward_range<Range>
    [[nodiscard]] constexpr T* try_insert_range(Position<T> position, Range&& range) {
        const size_type index = index_of(position);
        const size_type old_size = size_;
        if (!try_append_range(std::forward<Range>(range))) return nullptr;
        return move_back_to(index, old_size);
    }
    /// `count` elements: the last ones go, or value-initialised ones come. False: that is too many.
    [[nodiscard]] constexpr bool try_resize(size_type count) {
        if (count > N) return false;
        while (size_ < count)
            (void)try_emplace_back();
        truncate(count);
        return true;
    }
    /// As above; copies of `value` come, which may be an element.
    [[nodiscard]] constexpr bool try_resize(size_type count, const T& value) {
        if (count > N) return false;
        while (size_ < count)
            (void)try_emplace_back(value);
        if (count < size_) truncate(count);
        return true;
    }

    // --- forms that panic where there is no room

    template <class... Arguments>
        requires std::is_constructible_v<T, Arguments...>
    constexpr T& emplace_back(Arguments&&... arguments) {
        return *present(try_emplace_back(std::forward<Arguments>(arguments)...), 1);
    }
    constexpr T& push_back(const T& value) { return emplace_back(value); }
    constexpr T& push_back(T&& value) { return emplace_back(std::move(value)); }
    template <RangeFor<T> Range>
    constexpr void append_range(Range&& range) {
        append_all(std::forward<Range>(range));
    }
    template <class... Arguments>
        requires std::is_constructible_v<T, Arguments...>
    constexpr iterator emplace(Position<T> position, Arguments&&... arguments) {
        return present(try_emplace(position, std::forward<Arguments>(arguments)...), 1);
    }
    constexpr iterator insert(Position<T> position, const T& value) {
        return emplace(position, value);
    }
    constexpr iterator insert(Position<T> position, T&& value) {
        return emplace(position, std::move(value));
    }
    constexpr iterator insert(Position<T> position, size_type count, const T& value) {
        return present(try_insert(position, count, value), count);
    }
    template <std::input_iterator Iterator>
    constexpr iterator insert(Position<T> position, Iterator first, Iterator last) {
        return insert_all(position, IteratorRange(std::move(first), std::move(last)));
    }
    constexpr iterator insert(Position<T> position, std::initializer_list<T> values) {
        return insert_range(position, values);
    }
    template <RangeFor<T> Range>
    constexpr iterator insert_range(Position<T> position, Range&& range) {
        return insert_all(position, std::forward<Range>(range));
    }
    constexpr void resize(size_type count) {
        if (!try_resize(count)) [[unlikely]]
            panic_length(container_name, count, N);
    }
    constexpr void resize(size_type count, const T& value) {
        if (!try_resize(count, value)) [[unlikely]]
            panic_length(container_name, count, N);
    }
    /// There is room for N elements always.
    static constexpr void reserve(size_type count) {
        if (count > N) [[unlikely]]
            panic_length(container_name, count, N);
    }
    static constexpr void shrink_to_fit() noexcept {}

    // --- removal

    constexpr void pop_back(Here where = Here::current()) {
        check_not_empty("pop_back()", where);
        truncate(size_ - 1);
    }
    constexpr T* erase(const T* position, Here where = Here::current()) {
        return erase(position, position + 1, where);
    }
    constexpr T* erase(const T* first, const T* last, Here where = Here::current()) {
        const size_type begin_index = index_of({first, where});
        const size_type end_index = index_of({last, where});
        if (begin_index > end_index) [[unlikely]]
            panic_position(container_name, where);
        T* const gap = begin() + begin_index;
        if (begin_index == end_index) return gap;
        T* const rest = std::move(begin() + end_index, end(), gap);
        truncate(static_cast<size_type>(rest - begin()));
        return gap;
    }
    constexpr void clear() noexcept { truncate(0); }
    /// Moves every element.
    constexpr void swap(static_vector& other) noexcept {
        static_vector kept(std::move(other));
        other = std::move(*this);
        *this = std::move(kept);
    }
    friend constexpr void swap(static_vector& a, static_vector& b) noexcept { a.swap(b); }
    /// Removes the elements that satisfy `predicate`; returns how many.
    template <std::predicate<const T&> Predicate>
    friend constexpr size_type erase_if(static_vector& from, Predicate predicate) {
        const auto gone = std::ranges::remove_if(
            from, [&](const T& element) -> bool { return predicate(element); });
        const auto count = static_cast<size_type>(std::ranges::distance(gone));
        from.truncate(from.size_ - count);
        return count;
    }
    /// Removes the elements that equal `value`, which may be one of them; returns how many.
    template <class Value = T>
    friend constexpr size_type erase(static_vector& from, const Value& value) {
        if constexpr (std::is_same_v<Value, T> && std::copy_constructible<T>) {
            const T copy(value);
            return erase_if(from, [&](const T& element) { return element == copy; });
        } else {
            return erase_if(from, [&](const T& element) { return element == value; });
        }
    }

  private:
    template <class Range>
    constexpr void append_all(Range&& range) {
        if constexpr (std::ranges::forward_range<Range>) {
            if (!try_append_range(std::forward<Range>(range))) [[unlikely]]
                panic_length(container_name, N + 1, N);
        } else {
            for (auto&& element : range)
                emplace_back(std::forward<decltype(element)>(element));
        }
    }
    template <class Range>
    constexpr iterator insert_all(Position<T> position, Range&& range) {
        const size_type index = index_of(position);
        const size_type old_size = size_;
        append_all(std::forward<Range>(range));
        return move_back_to(index, old_size);
    }
    constexpr void take(static_vector& other) {
        for (T& element : other)
            emplace_back(std::move(element));
    }
    static constexpr T* present(T* place, size_type count) {
        if (place == nullptr) [[unlikely]]
            panic_length(container_name, N + count, N);
        return place;
    }
    /// The elements from `first_new` on come to stand at `index`.
    constexpr T* move_back_to(size_type index, size_type first_new) {
        std::rotate(begin() + index, begin() + first_new, end());
        return begin() + index;
    }
    constexpr void truncate(size_type count) noexcept {
        if constexpr (!std::is_trivially_destructible_v<T>) std::destroy(data() + count, end());
        size_ = count;
    }

    Storage storage_;
    size_type size_ = 0;
};

template <class T, std::size_t N>
    requires ComparableElement<T>
[[nodiscard]] constexpr bool operator==(const static_vector<T, N>& a,
                                        const static_vector<T, N>& b) {
    return cairn::have_equal_elements(a, b);
}
template <class T, std::size_t N>
    requires OrderedElement<T>
[[nodiscard]] constexpr auto operator<=>(const static_vector<T, N>& a,
                                         const static_vector<T, N>& b) {
    return cairn::compare_all_elements(a, b);
}

template <class T, std::size_t N>
    requires(!is_element<T> || N == 0)
class static_vector<T, N> {
    static_assert(is_element<T>,
                  "static_vector: its elements are objects, neither const nor volatile");
    static_assert(N > 0, "static_vector: there is room for one element at least");
};

}  // namespace cairn
