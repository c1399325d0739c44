// SPDX-License-Identifier: MIT
// How callers get at the elements of containers. What those have in common whose elements lie one
// behind the other: iterators, which are pointers, comparison, and access that is checked in every
// build. Such a container says where its elements are (`data`, `size`) and what it is called in a
// panic
// (`container_name`). No public interface: see the containers.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <source_location>

#include "cairn/container/container_error.hpp"

namespace cairn {

/// A position or an index that a caller gives, and where the caller stands: so that a wrong one is
/// reported by the place that made the mistake, also by functions whose last parameter is a pack,
/// and by operator[], which has no default arguments before GCC 13.
template <class T>
struct Position {
    constexpr Position(const T* position,  // NOLINT: implicit, where a position is passed
                       std::source_location caller = std::source_location::current())
        : at(position), where(caller) {}
    Position(std::nullptr_t) = delete;  // nor 0, which is no index

    const T* at;
    std::source_location where;
};

struct Index {
    template <std::convertible_to<std::size_t> Number>
    constexpr Index(Number number,  // NOLINT: implicit, where an index is passed
                    std::source_location caller = std::source_location::current())
        : at(static_cast<std::size_t>(number)), where(caller) {}

    std::size_t at;
    std::source_location where;
};

template <class Container, class T>
class ContiguousAccess;

/// The walk over elements of type T. Containers of one kind are compared by their elements.
template <class Container, class T>
class ContiguousIterators {
    friend Container;
    friend ContiguousAccess<Container, T>;
    constexpr ContiguousIterators() = default;

  public:
    using value_type = T;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = T&;
    using const_reference = const T&;
    using pointer = T*;
    using const_pointer = const T*;
    using iterator = T*;
    using const_iterator = const T*;
    using reverse_iterator = std::reverse_iterator<iterator>;
    using const_reverse_iterator = std::reverse_iterator<const_iterator>;

    [[nodiscard]] constexpr iterator begin() noexcept { return self().data(); }
    [[nodiscard]] constexpr const_iterator begin() const noexcept { return self().data(); }
    [[nodiscard]] constexpr const_iterator cbegin() const noexcept { return begin(); }
    [[nodiscard]] constexpr iterator end() noexcept { return begin() + self().size(); }
    [[nodiscard]] constexpr const_iterator end() const noexcept { return begin() + self().size(); }
    [[nodiscard]] constexpr const_iterator cend() const noexcept { return end(); }
    [[nodiscard]] constexpr reverse_iterator rbegin() noexcept { return reverse_iterator(end()); }
    [[nodiscard]] constexpr const_reverse_iterator rbegin() const noexcept { return crbegin(); }
    [[nodiscard]] constexpr const_reverse_iterator crbegin() const noexcept {
        return const_reverse_iterator(end());
    }
    [[nodiscard]] constexpr reverse_iterator rend() noexcept { return reverse_iterator(begin()); }
    [[nodiscard]] constexpr const_reverse_iterator rend() const noexcept { return crend(); }
    [[nodiscard]] constexpr const_reverse_iterator crend() const noexcept {
        return const_reverse_iterator(begin());
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return self().size() == 0; }

  protected:
    [[nodiscard]] constexpr Container& self() noexcept { return static_cast<Container&>(*this); }
    [[nodiscard]] constexpr const Container& self() const noexcept {
        return static_cast<const Container&>(*this);
    }
};

// What the operators of each container do, which are of its own type: one that converts to a base
// of it would give way to any operator template beside the elements.

template <class T>
concept ComparableElement = requires(const T& a) { static_cast<bool>(a == a); };
template <class T>
concept OrderedElement = requires(const T& a) { static_cast<bool>(a < a); };

template <class Container>
[[nodiscard]] constexpr bool have_equal_elements(const Container& a, const Container& b) {
    if (a.size() != b.size()) return false;
    auto* other = b.begin();
    for (const auto& element : a) {
        if (!(element == *other++)) return false;
    }
    return true;
}

/// The order of two elements: their own <=>, or what < says.
template <OrderedElement T>
[[nodiscard]] constexpr auto compare_elements(const T& a, const T& b) {
    if constexpr (std::three_way_comparable<T>) {
        return a <=> b;
    } else {
        if (a < b) return std::weak_ordering::less;
        return b < a ? std::weak_ordering::greater : std::weak_ordering::equivalent;
    }
}

/// Lexicographical.
template <class Container>
[[nodiscard]] constexpr auto compare_all_elements(const Container& a, const Container& b)
    -> decltype(cairn::compare_elements(*a.begin(), *b.begin())) {
    auto* other = b.begin();
    for (const auto& element : a) {
        if (other == b.end()) break;
        const auto order = cairn::compare_elements(element, *other++);
        if (order != 0) return order;
    }
    return a.size() <=> b.size();
}

/// The same, and single elements by their index. What is outside panics, and names the caller.
template <class Container, class T>
class ContiguousAccess : public ContiguousIterators<Container, T> {
    using Here = std::source_location;
    friend Container;
    constexpr ContiguousAccess() = default;

  protected:
    using ContiguousIterators<Container, T>::self;

  public:
    constexpr T& operator[](Index index) { return self().data()[valid(index)]; }
    constexpr const T& operator[](Index index) const { return self().data()[valid(index)]; }
    /// As operator[]: panics where std's throws.
    constexpr T& at(std::size_t index, Here where = Here::current()) {
        return (*this)[Index(index, where)];
    }
    constexpr const T& at(std::size_t index, Here where = Here::current()) const {
        return (*this)[Index(index, where)];
    }
    constexpr T& front(Here where = Here::current()) {
        check_not_empty("front()", where);
        return self().data()[0];
    }
    constexpr const T& front(Here where = Here::current()) const {
        check_not_empty("front()", where);
        return self().data()[0];
    }
    constexpr T& back(Here where = Here::current()) {
        check_not_empty("back()", where);
        return self().data()[self().size() - 1];
    }
    constexpr const T& back(Here where = Here::current()) const {
        check_not_empty("back()", where);
        return self().data()[self().size() - 1];
    }

  protected:
    [[nodiscard]] constexpr std::size_t valid(Index index) const {
        if (index.at >= self().size()) [[unlikely]]
            panic_index(Container::container_name, index.at, self().size(), index.where);
        return index.at;
    }
    constexpr void check_not_empty(const char* what, Here where) const {
        if (self().size() == 0) [[unlikely]]
            panic_empty(Container::container_name, what, where);
    }
    /// Of a position among the elements, or behind the last one.
    [[nodiscard]] constexpr std::size_t index_of(Position<T> position) const {
        const T* const first = self().data();
        if (position.at < first || position.at > first + self().size()) [[unlikely]]
            panic_position(Container::container_name, position.where);
        return static_cast<std::size_t>(position.at - first);
    }
};

}  // namespace cairn
