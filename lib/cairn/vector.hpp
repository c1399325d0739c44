// SPDX-License-Identifier: MIT
// `vector`: std::vector's C++23 interface for programs without exceptions, and a try_ form of
// everything that takes memory.
//
// - Misuse (an index or position outside, front() of nothing) panics in every build, at() included.
// - Out of memory in a plain form panics: the allocator decides how. A try_ form (the construction
//   below, everything else in lib/cairn/container/vector/vector_try.hpp) returns an error and has
//   changed nothing.
// - An argument may refer to an element of the vector itself; a range may not, but append_range(v).
// - Elements' constructors and assignments do not throw. Trivially relocatable ones move in bulk.
// - Elements that cannot be moved stay where they are made: reserve for all of them first. Once
//   there is one, max_size() is the capacity.
// - vector<bool> is a vector of bools. Iterators are pointers. It owns its elements; takes no lock.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <ranges>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

#include "cairn/allocator.hpp"
#include "cairn/base/language.hpp"
#include "cairn/container/access.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/fallible.hpp"
#include "cairn/container/from_range.hpp"
#include "cairn/container/vector/vector_try.hpp"
#include "cairn/panic.hpp"

namespace cairn {

template <class T, class Allocator = allocator<T>>
class vector : public VectorTryForms<T, Allocator> {
    using Core = VectorTryForms<T, Allocator>;
    using Traits = typename Core::Traits;
    using Core::data_, Core::size_, Core::capacity_, Core::allocator_;
    static constexpr OnFailure panics = OnFailure::panic;
    static constexpr OnFailure reports = OnFailure::report;
    template <class Value>
    using Result = std::expected<Value, ContainerError>;
    using Here = std::source_location;

  public:
    using allocator_type = Allocator;
    using size_type = std::size_t;  // here, so that arguments are deduced
    using typename Core::iterator, typename Core::const_iterator;

    // --- construction

    constexpr vector() noexcept(std::is_nothrow_default_constructible_v<Allocator>) = default;
    constexpr explicit vector(const Allocator& allocator) noexcept : Core(allocator) {}
    constexpr explicit vector(size_type count, const Allocator& allocator = Allocator())
        : Core(allocator) {
        this->adopt(*this->new_block(panics, count));
        this->construct_defaults(count);
    }
    constexpr vector(size_type count, const T& value, const Allocator& allocator = Allocator())
        : Core(allocator) {
        this->fill_new(panics, typename Core::Repeat{std::addressof(value)}, count);
    }
    template <std::input_iterator Iterator>
    constexpr vector(Iterator first, Iterator last, const Allocator& allocator = Allocator())
        : Core(allocator) {
        this->fill_all(panics, IteratorRange(std::move(first), std::move(last)));
    }
    template <RangeOf<T, Allocator> Range>
    constexpr vector(from_range_t, Range&& range, const Allocator& allocator = Allocator())
        : Core(allocator) {
        this->fill_all(panics, std::forward<Range>(range));
    }
    constexpr vector(std::initializer_list<T> values, const Allocator& allocator = Allocator())
        : Core(allocator) {
        this->fill_new(panics, values.begin(), values.size());
    }
    constexpr vector(const vector& other)
        : vector(other, Traits::select_on_container_copy_construction(other.allocator_)) {}
    constexpr vector(const vector& other, const std::type_identity_t<Allocator>& allocator)
        : Core(allocator) {
        this->fill_new(panics, other.data_, other.size_);
    }
    constexpr vector(vector&& other) noexcept : Core(std::move(other.allocator_)) {
        this->steal(other);
    }
    /// Moves element by element where the allocators differ.
    constexpr vector(vector&& other, const std::type_identity_t<Allocator>& allocator)
        : Core(allocator) {
        this->take(other);
    }
    constexpr ~vector() = default;

    // --- assignment

    constexpr vector& operator=(const vector& other) {
        if (this == std::addressof(other)) return *this;
        if constexpr (Traits::propagate_on_container_copy_assignment::value) {
            if (allocator_ != other.allocator_) this->release();
            allocator_ = other.allocator_;
        }
        this->assign_counted(panics, other.data_, other.size_);
        return *this;
    }
    constexpr vector& operator=(vector&& other) noexcept(
        Traits::propagate_on_container_move_assignment::value || Traits::is_always_equal::value) {
        if (this == std::addressof(other)) return *this;
        if constexpr (Traits::propagate_on_container_move_assignment::value) {
            vector ended(allocator_);  // last: `other` may be part of one of its elements
            ended.steal(*this);
            this->steal(other);
            allocator_ = std::move(other.allocator_);
        } else {
            this->take(other);
        }
        return *this;
    }
    constexpr vector& operator=(std::initializer_list<T> values) {
        assign(values);
        return *this;
    }
    constexpr void assign(size_type count, const T& value) {
        this->assign_copies(panics, count, value);
    }
    template <std::input_iterator Iterator>
    constexpr void assign(Iterator first, Iterator last) {
        this->assign_all(panics, IteratorRange(std::move(first), std::move(last)));
    }
    constexpr void assign(std::initializer_list<T> values) { this->assign_all(panics, values); }
    template <RangeOf<T, Allocator> Range>
        requires std::is_assignable_v<T&, std::ranges::range_reference_t<Range>>
    constexpr void assign_range(Range&& range) {
        this->assign_all(panics, std::forward<Range>(range));
    }

    [[nodiscard]] constexpr Allocator get_allocator() const noexcept { return allocator_; }

    // --- capacity; access and iterators are in lib/cairn/container/access.hpp

    /// Exactly `count`, unless there is as much already.
    constexpr void reserve(size_type count) { this->reserve_at_least(panics, count); }
    /// Where the smaller block cannot be had, nothing changes.
    constexpr void shrink_to_fit() { this->shrink(); }
    constexpr void resize(size_type count) { this->resize_with(panics, count); }
    constexpr void resize(size_type count, const T& value) {
        this->resize_with(panics, count, value);
    }

    // --- insertion and removal

    template <class... Arguments>
        requires ConstructibleBy<T, Allocator, Arguments...>
    constexpr T& emplace_back(Arguments&&... arguments) {
        return **this->emplace_last(panics, std::forward<Arguments>(arguments)...);
    }
    constexpr void push_back(const T& value)
        requires ConstructibleBy<T, Allocator, const T&>
    {
        this->push(panics, value);
    }
    constexpr void push_back(T&& value) { this->push(panics, std::move(value)); }
    template <RangeOf<T, Allocator> Range>
    constexpr void append_range(Range&& range) {
        this->insert_all(panics, size_, std::forward<Range>(range));
    }

    template <class... Arguments>
        requires ConstructibleBy<T, Allocator, Arguments...>
    constexpr iterator emplace(Position<T> position, Arguments&&... arguments) {
        return *this->emplace_at(panics, this->index_of(position),
                                 std::forward<Arguments>(arguments)...);
    }
    constexpr iterator insert(Position<T> position, const T& value)
        requires ConstructibleBy<T, Allocator, const T&>
    {
        return *this->emplace_at(panics, this->index_of(position), value);
    }
    constexpr iterator insert(Position<T> position, T&& value) {
        return *this->emplace_at(panics, this->index_of(position), std::move(value));
    }
    constexpr iterator insert(Position<T> position, size_type count, const T& value) {
        return *this->insert_copies(panics, this->index_of(position), count, value);
    }
    template <std::input_iterator Iterator>
    constexpr iterator insert(Position<T> position, Iterator first, Iterator last) {
        return *this->insert_all(panics, this->index_of(position),
                                 IteratorRange(std::move(first), std::move(last)));
    }
    constexpr iterator insert(Position<T> position, std::initializer_list<T> values) {
        return *this->insert_all(panics, this->index_of(position), values);
    }
    template <RangeOf<T, Allocator> Range>
    constexpr iterator insert_range(Position<T> position, Range&& range) {
        return *this->insert_all(panics, this->index_of(position), std::forward<Range>(range));
    }

    constexpr iterator erase(const_iterator position, Here where = Here::current()) {
        const size_type index = this->index_of({position, where});
        this->erase_at(this->valid({index, where}), 1);
        return data_ + index;
    }
    constexpr iterator erase(const_iterator first, const_iterator last,
                             Here where = Here::current()) {
        const size_type begin = this->index_of({first, where});
        const size_type end = this->index_of({last, where});
        require(begin <= end, "vector: erase() of a range that ends before it begins", where);
        this->erase_at(begin, end - begin);
        return data_ + begin;
    }
    constexpr void pop_back(Here where = Here::current()) {
        this->check_not_empty("pop_back()", where);
        this->truncate(size_ - 1);
    }
    constexpr void clear() noexcept { this->truncate(0); }

    constexpr void swap(vector& other) noexcept {
        if constexpr (Traits::propagate_on_container_swap::value) {
            std::ranges::swap(allocator_, other.allocator_);
        } else if constexpr (!Traits::is_always_equal::value) {
            require(allocator_ == other.allocator_, "vector: swap() between unequal allocators");
        }
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }
    friend constexpr void swap(vector& a, vector& b) noexcept { a.swap(b); }

    // --- fallible construction; the other try_ forms are in
    // lib/cairn/container/vector/vector_try.hpp

    /// An empty vector that can take `count` elements without further memory.
    [[nodiscard]] static constexpr Result<vector> try_with_capacity(
        size_type count, const Allocator& allocator = Allocator())
        requires FallibleAllocator<Allocator>
    {
        Result<vector> result(std::in_place, allocator);
        const auto done = result->try_reserve(count);
        if (!done) return std::unexpected(done.error());
        return result;
    }
    /// A vector of the elements of `range`.
    template <RangeOf<T, Allocator> Range>
        requires FallibleAllocator<Allocator>
    [[nodiscard]] static constexpr Result<vector> try_from_range(
        Range&& range, const Allocator& allocator = Allocator()) {
        Result<vector> result(std::in_place, allocator);
        const auto done = result->fill_all(reports, std::forward<Range>(range));
        if (!done) return std::unexpected(done.error());
        return result;
    }
};

template <class T, class Allocator>
    requires(!is_element<T> || !is_allocator_of<Allocator, T>)
class vector<T, Allocator> {
    static_assert(is_element<T>, "vector: its elements are objects, neither const nor volatile");
    static_assert(!is_element<T> || is_allocator_of<Allocator, T>,
                  "vector: its allocator is one for its elements, with raw pointers");
};

template <std::input_iterator Iterator, class Allocator = allocator<std::iter_value_t<Iterator>>>
vector(Iterator, Iterator, Allocator = Allocator())
    -> vector<std::iter_value_t<Iterator>, Allocator>;

template <std::ranges::input_range Range,
          class Allocator = allocator<std::ranges::range_value_t<Range>>>
vector(from_range_t, Range&&, Allocator = Allocator())
    -> vector<std::ranges::range_value_t<Range>, Allocator>;

template <class T, class Allocator>
inline constexpr bool is_trivially_relocatable_v<vector<T, Allocator>> =
    is_trivially_relocatable_v<Allocator>;

}  // namespace cairn

#include "cairn/container/vector/vector_algorithms.hpp"  // IWYU pragma: export
