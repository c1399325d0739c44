// SPDX-License-Identifier: MIT
// A vector of at most N elements inside the object (what C++26 calls std::inplace_vector): for
// tables read from input, whose capacity is a stated limit. Nothing is allocated. A try_ form says
// whether there was room, and has changed nothing where there was not; the plain forms panic, as
// any other misuse does. Of plain values it is one itself: trivially copyable, usable in constant
// evaluation. No lock.
#pragma once

#include <algorithm>
#include <compare>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>

#include "lib/container/container_error.hpp"
#include "lib/container/inplace_storage.hpp"

namespace cairn {

template <class T, std::size_t N>
class static_vector {
    static_assert(N > 0);
    static constexpr bool trivial = PlainValue<T>;
    using Here = std::source_location;

  public:
    using value_type = T;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = T&;
    using const_reference = const T&;
    using iterator = T*;
    using const_iterator = const T*;

    constexpr static_vector() = default;
    constexpr static_vector(std::initializer_list<T> values) { append_range(values); }
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
        clear();
        take(other);
        return *this;
    }
    constexpr ~static_vector()
        requires trivial
    = default;
    constexpr ~static_vector() { clear(); }

    // --- access

    [[nodiscard]] static constexpr size_type capacity() { return N; }
    [[nodiscard]] static constexpr size_type max_size() { return N; }
    [[nodiscard]] constexpr size_type size() const { return size_; }
    [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
    [[nodiscard]] constexpr bool full() const { return size_ == N; }

    [[nodiscard]] constexpr T* data() { return storage_.data(); }
    [[nodiscard]] constexpr const T* data() const { return storage_.data(); }
    [[nodiscard]] constexpr T* begin() { return data(); }
    [[nodiscard]] constexpr T* end() { return data() + size_; }
    [[nodiscard]] constexpr const T* begin() const { return data(); }
    [[nodiscard]] constexpr const T* end() const { return data() + size_; }

    [[nodiscard]] constexpr T& operator[](size_type index, Here where = Here::current()) {
        check_index(index, where);
        return data()[index];
    }
    [[nodiscard]] constexpr const T& operator[](size_type index,
                                                Here where = Here::current()) const {
        check_index(index, where);
        return data()[index];
    }
    [[nodiscard]] constexpr T& front(Here where = Here::current()) {
        check_not_empty("front()", where);
        return data()[0];
    }
    [[nodiscard]] constexpr const T& front(Here where = Here::current()) const {
        check_not_empty("front()", where);
        return data()[0];
    }
    [[nodiscard]] constexpr T& back(Here where = Here::current()) {
        check_not_empty("back()", where);
        return data()[size_ - 1];
    }
    [[nodiscard]] constexpr const T& back(Here where = Here::current()) const {
        check_not_empty("back()", where);
        return data()[size_ - 1];
    }

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
    template <std::ranges::forward_range Range>
    [[nodiscard]] constexpr bool try_append_range(Range&& range) {
        if (std::cmp_greater(std::ranges::distance(range), N - size_)) return false;
        for (auto&& element : range) {
            std::construct_at(end(), std::forward<decltype(element)>(element));
            ++size_;
        }
        return true;
    }
    /// The new element, in front of `position`; null where it is full. `value` may be an element.
    [[nodiscard]] constexpr T* try_insert(const T* position, T value) {
        const auto index = position - data();
        if (try_push_back(std::move(value)) == nullptr) return nullptr;
        std::rotate(begin() + index, end() - 1, end());
        return begin() + index;
    }
    /// `count` elements: the last ones go, or value-initialised ones come. False: that is too many.
    [[nodiscard]] constexpr bool try_resize(size_type count) {
        if (count > N) return false;
        while (size_ < count)
            (void)try_emplace_back();
        truncate(count);
        return true;
    }

    // --- forms that panic where there is no room

    template <class... Arguments>
    constexpr T& emplace_back(Arguments&&... arguments) {
        T* const place = try_emplace_back(std::forward<Arguments>(arguments)...);
        if (place == nullptr) [[unlikely]]
            panic_length("static_vector", N + 1, N);
        return *place;
    }
    constexpr void push_back(const T& value) { emplace_back(value); }
    constexpr void push_back(T&& value) { emplace_back(std::move(value)); }
    template <std::ranges::forward_range Range>
    constexpr void append_range(Range&& range) {
        if (!try_append_range(std::forward<Range>(range))) [[unlikely]]
            panic_length("static_vector", N + 1, N);
    }

    // --- removal

    constexpr void pop_back(Here where = Here::current()) {
        check_not_empty("pop_back()", where);
        truncate(size_ - 1);
    }
    constexpr T* erase(const T* position) { return erase(position, position + 1); }
    constexpr T* erase(const T* first, const T* last) {
        if (first < data() || first > last || last > end()) [[unlikely]]
            panic_position("static_vector");
        T* const gap = begin() + (first - begin());
        T* const rest = std::move(begin() + (last - begin()), end(), gap);
        truncate(static_cast<size_type>(rest - begin()));
        return gap;
    }
    constexpr void clear() { truncate(0); }

    friend constexpr bool operator==(const static_vector& a, const static_vector& b) {
        return std::ranges::equal(a, b);
    }
    friend constexpr auto operator<=>(const static_vector& a, const static_vector& b)
        requires std::three_way_comparable<T>
    {
        return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
    }

  private:
    constexpr void take(static_vector& other) {
        for (T& element : other)
            emplace_back(std::move(element));
    }
    constexpr void truncate(size_type count) {
        if constexpr (!std::is_trivially_destructible_v<T>) std::destroy(data() + count, end());
        size_ = count;
    }
    constexpr void check_index(size_type index, Here where) const {
        if (index >= size_) [[unlikely]]
            panic_index("static_vector", index, size_, where);
    }
    constexpr void check_not_empty(const char* what, Here where) const {
        if (size_ == 0) [[unlikely]]
            panic_empty("static_vector", what, where);
    }

    InplaceStorage<T, N> storage_;
    size_type size_ = 0;
};

}  // namespace cairn
