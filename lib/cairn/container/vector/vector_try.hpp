// SPDX-License-Identifier: MIT
// The try_ forms of `vector`: each reports ContainerError where its namesake panics for want of
// memory. There where the allocator has `try_allocate`. What inserts returns where the first new
// element is.
//
// "Strong" below means that an error has changed nothing: not the elements, not their addresses,
// not the capacity. (A single-pass range has been read, though.) They answer for this vector's
// memory: a copy of an element that allocates for itself still panics.
#pragma once

#include <cstddef>
#include <ranges>
#include <type_traits>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/vector/vector_elements.hpp"

namespace cairn {

/// A range whose elements a vector<T, Allocator> can be filled with.
template <class Range, class T, class Allocator>
concept RangeOf = std::ranges::input_range<Range> &&
                  ConstructibleBy<T, Allocator, std::ranges::range_reference_t<Range>>;

template <class T, class Allocator>
class VectorTryForms : public VectorElements<T, Allocator> {
  protected:
    using VectorElements<T, Allocator>::VectorElements;
};

template <class T, FallibleAllocator Allocator>
class VectorTryForms<T, Allocator> : public VectorElements<T, Allocator> {
    using Elements = VectorElements<T, Allocator>;
    static constexpr OnFailure reports = OnFailure::report;

  protected:
    using Elements::assign_all, Elements::assign_copies, Elements::emplace_at;
    using Elements::emplace_last, Elements::index_of, Elements::insert_all;
    using Elements::insert_copies, Elements::push, Elements::reserve_at_least;
    using Elements::resize_with, Elements::size_, Elements::Elements;
    template <class Value>
    using Result = std::expected<Value, ContainerError>;

  public:
    /// Room for `count` elements in all. Strong.
    [[nodiscard]] constexpr Result<void> try_reserve(std::size_t count) {
        return reserve_at_least(reports, count);
    }
    /// `count` elements: the last ones go, or value-initialised ones come. Strong.
    [[nodiscard]] constexpr Result<void> try_resize(std::size_t count) {
        return resize_with(reports, count);
    }
    /// As above; copies of `value` come, which may be an element. Strong.
    [[nodiscard]] constexpr Result<void> try_resize(std::size_t count, const T& value) {
        return resize_with(reports, count, value);
    }
    /// `count` copies of `value`, which may be an element, instead of what there was. Strong.
    [[nodiscard]] constexpr Result<void> try_assign(std::size_t count, const T& value) {
        return assign_copies(reports, count, value);
    }
    /// The elements of `range` instead of what there was. Strong.
    template <RangeOf<T, Allocator> Range>
        requires std::is_assignable_v<T&, std::ranges::range_reference_t<Range>>
    [[nodiscard]] constexpr Result<void> try_assign_range(Range&& range) {
        return assign_all(reports, std::forward<Range>(range));
    }
    /// Constructs an element at the end; the arguments may be elements. Strong, and on error the
    /// arguments have not been moved from.
    template <class... Arguments>
        requires ConstructibleBy<T, Allocator, Arguments...>
    [[nodiscard]] constexpr Result<T*> try_emplace_back(Arguments&&... arguments) {
        return emplace_last(reports, std::forward<Arguments>(arguments)...);
    }
    /// Appends a copy of `value`, which may be an element. Strong.
    [[nodiscard]] constexpr Result<T*> try_push_back(const T& value)
        requires ConstructibleBy<T, Allocator, const T&>
    {
        return push(reports, value);
    }
    /// Appends `value`. Strong, and on error `value` has not been moved from.
    [[nodiscard]] constexpr Result<T*> try_push_back(T&& value) {
        return push(reports, std::move(value));
    }
    /// Appends the elements of `range`, which may be this vector. Strong.
    template <RangeOf<T, Allocator> Range>
    [[nodiscard]] constexpr Result<T*> try_append_range(Range&& range) {
        return insert_all(reports, size_, std::forward<Range>(range));
    }
    /// Constructs an element before `position`; the arguments may be elements. Strong, and on error
    /// the arguments have not been moved from.
    template <class... Arguments>
        requires ConstructibleBy<T, Allocator, Arguments...>
    [[nodiscard]] constexpr Result<T*> try_emplace(Position<T> position, Arguments&&... arguments) {
        return emplace_at(reports, index_of(position), std::forward<Arguments>(arguments)...);
    }
    /// Inserts a copy of `value`, which may be an element. Strong.
    [[nodiscard]] constexpr Result<T*> try_insert(Position<T> position, const T& value)
        requires ConstructibleBy<T, Allocator, const T&>
    {
        return emplace_at(reports, index_of(position), value);
    }
    /// Inserts `value`. Strong, and on error `value` has not been moved from.
    [[nodiscard]] constexpr Result<T*> try_insert(Position<T> position, T&& value) {
        return emplace_at(reports, index_of(position), std::move(value));
    }
    /// Inserts `count` copies of `value`, which may be an element. Strong.
    [[nodiscard]] constexpr Result<T*> try_insert(Position<T> position, std::size_t count,
                                                  const T& value) {
        return insert_copies(reports, index_of(position), count, value);
    }
    /// Inserts the elements of `range`. Strong.
    template <RangeOf<T, Allocator> Range>
    [[nodiscard]] constexpr Result<T*> try_insert_range(Position<T> position, Range&& range) {
        return insert_all(reports, index_of(position), std::forward<Range>(range));
    }
};

}  // namespace cairn
