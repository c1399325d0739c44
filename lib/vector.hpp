// SPDX-License-Identifier: MIT
// `vector`: std::vector's C++23 interface for programs without exceptions, and a try_ form of
// everything that takes memory.
//
// - Misuse (an index or position outside, front() of nothing) panics in every build, at() included.
// - Out of memory in a plain form panics: the allocator decides how. A try_ form returns an error,
//   and then nothing has changed: not the elements, not their addresses, not the capacity, not the
//   arguments, which have not been moved from (a single-pass range has been read, though).
//   A try_ form answers for this vector's memory; a copy of an element that allocates still panics.
// - An argument may refer to an element of the vector itself; a range may not, but append_range(v).
// - Elements' constructors and assignments do not throw. Trivially relocatable ones move in bulk.
// - vector<bool> is a vector of bools. Iterators are pointers. It owns its elements; takes no lock.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <expected>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>

#include "lib/allocator.hpp"
#include "lib/from_range.hpp"
#include "lib/panic.hpp"
#include "lib/vector_core.hpp"
#include "lib/vector_error.hpp"

namespace cairn {

/// A range whose elements a vector<T> can be filled with.
template <class Range, class T>
concept RangeOf = std::ranges::input_range<Range> &&
                  std::is_constructible_v<T, std::ranges::range_reference_t<Range>>;

template <class T, class Allocator = allocator<T>>
class vector : private VectorCore<T, Allocator> {
    using Core = VectorCore<T, Allocator>;
    using Traits = typename Core::Traits;
    using Core::data_, Core::size_, Core::capacity_, Core::allocator_;
    static constexpr OnFailure panics = OnFailure::panic;
    static constexpr OnFailure reports = OnFailure::report;
    static constexpr bool can_report = FallibleAllocator<Allocator>;
    template <class Value>
    using Result = std::expected<Value, VectorError>;
    using Here = std::source_location;

    static_assert(std::is_same_v<typename Traits::value_type, T>);
    static_assert(std::is_same_v<typename Traits::pointer, T*>, "blocks are held by raw pointers");

  public:
    using value_type = T;
    using allocator_type = Allocator;
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

    // --- construction

    constexpr vector() noexcept(std::is_nothrow_default_constructible_v<Allocator>) = default;
    constexpr explicit vector(const Allocator& allocator) noexcept : Core(allocator) {}
    constexpr explicit vector(size_type count, const Allocator& allocator = Allocator())
        : Core(allocator) {
        this->adopt(*this->new_block(panics, count));
        this->append_defaults(panics, count);
    }
    constexpr vector(size_type count, const T& value, const Allocator& allocator = Allocator())
        : Core(allocator) {
        fill_new(panics, typename Core::Repeat{std::addressof(value)}, count);
    }
    template <std::input_iterator Iterator>
    constexpr vector(Iterator first, Iterator last, const Allocator& allocator = Allocator())
        : Core(allocator) {
        fill_all(panics, std::ranges::subrange(std::move(first), std::move(last)));
    }
    template <RangeOf<T> Range>
    constexpr vector(from_range_t, Range&& range, const Allocator& allocator = Allocator())
        : Core(allocator) {
        fill_all(panics, std::forward<Range>(range));
    }
    constexpr vector(std::initializer_list<T> values, const Allocator& allocator = Allocator())
        : Core(allocator) {
        fill_new(panics, values.begin(), values.size());
    }
    constexpr vector(const vector& other)
        : vector(other, Traits::select_on_container_copy_construction(other.allocator_)) {}
    constexpr vector(const vector& other, const std::type_identity_t<Allocator>& allocator)
        : Core(allocator) {
        fill_new(panics, other.data_, other.size_);
    }
    constexpr vector(vector&& other) noexcept : Core(std::move(other.allocator_)) {
        this->steal(other);
    }
    /// Moves element by element where the allocators differ.
    constexpr vector(vector&& other, const std::type_identity_t<Allocator>& allocator)
        : Core(allocator) {
        take(other);
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
            this->release();
            allocator_ = std::move(other.allocator_);
            this->steal(other);
        } else {
            clear();
            take(other);
        }
        return *this;
    }
    constexpr vector& operator=(std::initializer_list<T> values) {
        assign(values);
        return *this;
    }
    constexpr void assign(size_type count, const T& value) { assign_copies(panics, count, value); }
    template <std::input_iterator Iterator>
    constexpr void assign(Iterator first, Iterator last) {
        assign_all(panics, std::ranges::subrange(std::move(first), std::move(last)));
    }
    constexpr void assign(std::initializer_list<T> values) { assign_all(panics, values); }
    template <RangeOf<T> Range>
    constexpr void assign_range(Range&& range) {
        assign_all(panics, std::forward<Range>(range));
    }

    [[nodiscard]] constexpr Allocator get_allocator() const noexcept { return allocator_; }

    // --- access, checked

    constexpr T& operator[](size_type index, Here where = Here::current()) {
        check_index(index, where);
        return data_[index];
    }
    constexpr const T& operator[](size_type index, Here where = Here::current()) const {
        check_index(index, where);
        return data_[index];
    }
    /// As operator[]: panics where std::vector throws.
    constexpr T& at(size_type index, Here where = Here::current()) {
        check_index(index, where);
        return data_[index];
    }
    constexpr const T& at(size_type index, Here where = Here::current()) const {
        check_index(index, where);
        return data_[index];
    }
    constexpr T& front(Here where = Here::current()) {
        check_not_empty("front()", where);
        return data_[0];
    }
    constexpr const T& front(Here where = Here::current()) const {
        check_not_empty("front()", where);
        return data_[0];
    }
    constexpr T& back(Here where = Here::current()) {
        check_not_empty("back()", where);
        return data_[size_ - 1];
    }
    constexpr const T& back(Here where = Here::current()) const {
        check_not_empty("back()", where);
        return data_[size_ - 1];
    }
    [[nodiscard]] constexpr T* data() noexcept { return data_; }
    [[nodiscard]] constexpr const T* data() const noexcept { return data_; }

    // --- iterators

    [[nodiscard]] constexpr iterator begin() noexcept { return data_; }
    [[nodiscard]] constexpr const_iterator begin() const noexcept { return data_; }
    [[nodiscard]] constexpr const_iterator cbegin() const noexcept { return data_; }
    [[nodiscard]] constexpr iterator end() noexcept { return data_ + size_; }
    [[nodiscard]] constexpr const_iterator end() const noexcept { return data_ + size_; }
    [[nodiscard]] constexpr const_iterator cend() const noexcept { return data_ + size_; }
    [[nodiscard]] constexpr reverse_iterator rbegin() noexcept { return reverse_iterator(end()); }
    [[nodiscard]] constexpr const_reverse_iterator rbegin() const noexcept { return crbegin(); }
    [[nodiscard]] constexpr const_reverse_iterator crbegin() const noexcept {
        return const_reverse_iterator(cend());
    }
    [[nodiscard]] constexpr reverse_iterator rend() noexcept { return reverse_iterator(begin()); }
    [[nodiscard]] constexpr const_reverse_iterator rend() const noexcept { return crend(); }
    [[nodiscard]] constexpr const_reverse_iterator crend() const noexcept {
        return const_reverse_iterator(cbegin());
    }

    // --- capacity

    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] constexpr size_type size() const noexcept { return size_; }
    [[nodiscard]] constexpr size_type capacity() const noexcept { return capacity_; }
    [[nodiscard]] constexpr size_type max_size() const noexcept { return this->maximum(); }
    /// Exactly `count`, unless there is as much already.
    constexpr void reserve(size_type count) { this->reserve_at_least(panics, count); }
    /// Never panics: where the smaller block cannot be had, nothing changes.
    constexpr void shrink_to_fit() { this->shrink(); }
    constexpr void resize(size_type count) { resize_with(panics, count); }
    constexpr void resize(size_type count, const T& value) { resize_with(panics, count, value); }

    // --- insertion and removal

    template <class... Arguments>
        requires std::is_constructible_v<T, Arguments...>
    constexpr T& emplace_back(Arguments&&... arguments) {
        return **this->emplace_last(panics, std::forward<Arguments>(arguments)...);
    }
    constexpr void push_back(const T& value)
        requires std::is_copy_constructible_v<T>
    {
        this->emplace_last(panics, value);
    }
    constexpr void push_back(T&& value) { this->emplace_last(panics, std::move(value)); }
    template <RangeOf<T> Range>
    constexpr void append_range(Range&& range) {
        insert_all(panics, size_, std::forward<Range>(range));
    }

    template <class... Arguments>
        requires std::is_constructible_v<T, Arguments...>
    constexpr iterator emplace(const_iterator position, Arguments&&... arguments) {
        return *this->emplace_at(panics, index_of(position), std::forward<Arguments>(arguments)...);
    }
    constexpr iterator insert(const_iterator position, const T& value)
        requires std::is_copy_constructible_v<T>
    {
        return *this->emplace_at(panics, index_of(position), value);
    }
    constexpr iterator insert(const_iterator position, T&& value) {
        return *this->emplace_at(panics, index_of(position), std::move(value));
    }
    constexpr iterator insert(const_iterator position, size_type count, const T& value) {
        return *this->insert_copies(panics, index_of(position), count, value);
    }
    template <std::input_iterator Iterator>
    constexpr iterator insert(const_iterator position, Iterator first, Iterator last) {
        return *insert_all(panics, index_of(position),
                           std::ranges::subrange(std::move(first), std::move(last)));
    }
    constexpr iterator insert(const_iterator position, std::initializer_list<T> values) {
        return *insert_all(panics, index_of(position), values);
    }
    template <RangeOf<T> Range>
    constexpr iterator insert_range(const_iterator position, Range&& range) {
        return *insert_all(panics, index_of(position), std::forward<Range>(range));
    }

    constexpr iterator erase(const_iterator position, Here where = Here::current()) {
        const size_type index = index_of(position);
        check_index(index, where);
        this->erase_at(index, 1);
        return data_ + index;
    }
    constexpr iterator erase(const_iterator first, const_iterator last,
                             Here where = Here::current()) {
        const size_type begin = index_of(first);
        const size_type end = index_of(last);
        require(begin <= end, "vector: erase() of a range that ends before it begins", where);
        this->erase_at(begin, end - begin);
        return data_ + begin;
    }
    constexpr void pop_back(Here where = Here::current()) {
        check_not_empty("pop_back()", where);
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

    // --- the try_ forms: an error changes nothing (strong guarantee, as in the first lines above);
    //     what inserts returns where the first new element is

    /// An empty vector that can take `count` elements without further memory.
    [[nodiscard]] static constexpr Result<vector> try_with_capacity(
        size_type count, const Allocator& allocator = Allocator())
        requires can_report
    {
        Result<vector> result(std::in_place, allocator);
        const auto done = result->try_reserve(count);
        if (!done) return std::unexpected(done.error());
        return result;
    }
    /// A vector of the elements of `range`.
    template <RangeOf<T> Range>
        requires can_report
    [[nodiscard]] static constexpr Result<vector> try_from_range(
        Range&& range, const Allocator& allocator = Allocator()) {
        Result<vector> result(std::in_place, allocator);
        const auto done = result->fill_all(reports, std::forward<Range>(range));
        if (!done) return std::unexpected(done.error());
        return result;
    }
    [[nodiscard]] constexpr Result<void> try_reserve(size_type count)
        requires can_report
    {
        return this->reserve_at_least(reports, count);
    }
    [[nodiscard]] constexpr Result<void> try_resize(size_type count)
        requires can_report
    {
        return resize_with(reports, count);
    }
    [[nodiscard]] constexpr Result<void> try_resize(size_type count, const T& value)
        requires can_report
    {
        return resize_with(reports, count, value);
    }
    [[nodiscard]] constexpr Result<void> try_assign(size_type count, const T& value)
        requires can_report
    {
        return assign_copies(reports, count, value);
    }
    template <RangeOf<T> Range>
        requires can_report
    [[nodiscard]] constexpr Result<void> try_assign_range(Range&& range) {
        return assign_all(reports, std::forward<Range>(range));
    }
    template <class... Arguments>
        requires can_report && std::is_constructible_v<T, Arguments...>
    [[nodiscard]] constexpr Result<T*> try_emplace_back(Arguments&&... arguments) {
        return this->emplace_last(reports, std::forward<Arguments>(arguments)...);
    }
    [[nodiscard]] constexpr Result<T*> try_push_back(const T& value)
        requires can_report && std::is_copy_constructible_v<T>
    {
        return this->emplace_last(reports, value);
    }
    [[nodiscard]] constexpr Result<T*> try_push_back(T&& value)
        requires can_report
    {
        return this->emplace_last(reports, std::move(value));
    }
    template <RangeOf<T> Range>
        requires can_report
    [[nodiscard]] constexpr Result<iterator> try_append_range(Range&& range) {
        return insert_all(reports, size_, std::forward<Range>(range));
    }
    template <class... Arguments>
        requires can_report && std::is_constructible_v<T, Arguments...>
    [[nodiscard]] constexpr Result<iterator> try_emplace(const_iterator position,
                                                         Arguments&&... arguments) {
        return this->emplace_at(reports, index_of(position), std::forward<Arguments>(arguments)...);
    }
    [[nodiscard]] constexpr Result<iterator> try_insert(const_iterator position, const T& value)
        requires can_report && std::is_copy_constructible_v<T>
    {
        return this->emplace_at(reports, index_of(position), value);
    }
    [[nodiscard]] constexpr Result<iterator> try_insert(const_iterator position, T&& value)
        requires can_report
    {
        return this->emplace_at(reports, index_of(position), std::move(value));
    }
    [[nodiscard]] constexpr Result<iterator> try_insert(const_iterator position, size_type count,
                                                        const T& value)
        requires can_report
    {
        return this->insert_copies(reports, index_of(position), count, value);
    }
    template <RangeOf<T> Range>
        requires can_report
    [[nodiscard]] constexpr Result<iterator> try_insert_range(const_iterator position,
                                                              Range&& range) {
        return insert_all(reports, index_of(position), std::forward<Range>(range));
    }

  private:
    constexpr void check_index(size_type index, Here where) const {
        if (index >= size_) [[unlikely]]
            panic_vector_index(index, size_, where);
    }
    constexpr void check_not_empty(std::string_view what, Here where) const {
        if (size_ == 0) [[unlikely]]
            panic_vector_empty(what, where);
    }
    constexpr size_type index_of(const_iterator position) const {
        if (position < begin() || position > end()) [[unlikely]]
            panic_vector_position();
        return static_cast<size_type>(position - begin());
    }

    /// The elements of an empty vector without a block.
    template <class Iterator>
    constexpr Result<void> fill_new(OnFailure failure, Iterator first, size_type count) {
        const auto block = this->new_block(failure, count);
        if (!block) return std::unexpected(block.error());
        this->construct_from(block->data, std::move(first), count);
        this->adopt(*block);
        size_ = count;
        return {};
    }
    /// The elements of `other`, which is left empty, for an empty vector.
    constexpr void take(vector& other) {
        if (allocator_ == other.allocator_) {
            this->release();
            this->steal(other);
        } else {
            reserve(other.size_);
            this->insert_counted(panics, 0, std::move_iterator(other.data_), other.size_);
            other.clear();
        }
    }
    template <class... Value>
    constexpr Result<void> resize_with(OnFailure failure, size_type count, const Value&... value) {
        if (count <= size_) {
            this->truncate(count);
            return {};
        }
        if constexpr (sizeof...(Value) == 0) {
            return this->append_defaults(failure, count - size_);
        } else {
            const auto result = this->insert_copies(failure, size_, count - size_, value...);
            if (!result) return std::unexpected(result.error());
            return {};
        }
    }
    constexpr Result<void> assign_copies(OnFailure failure, size_type count, const T& value) {
        const typename Core::Temporary copy(allocator_, value);  // `value` may be an element
        return this->assign_counted(failure, typename Core::Repeat{std::addressof(copy.value)},
                                    count);
    }

    template <class Range>
    static constexpr bool is_counted =
        std::ranges::forward_range<Range> || std::ranges::sized_range<Range>;

    /// The elements of a single-pass range, whose number only its end tells.
    template <class Range>
    constexpr Result<vector> gather(OnFailure failure, Range&& range) {
        Result<vector> result(std::in_place, allocator_);
        for (auto&& element : range) {
            const auto done =
                result->emplace_last(failure, std::forward<decltype(element)>(element));
            if (!done) return std::unexpected(done.error());
        }
        return result;
    }
    /// The elements of `range` for an empty vector without a block.
    template <class Range>
    constexpr Result<void> fill_all(OnFailure failure, Range&& range) {
        if constexpr (is_counted<Range>) {
            const auto count = static_cast<size_type>(std::ranges::distance(range));
            return fill_new(failure, std::ranges::begin(range), count);
        } else {
            auto gathered = gather(failure, std::forward<Range>(range));
            if (!gathered) return std::unexpected(gathered.error());
            this->steal(*gathered);
            return {};
        }
    }
    template <class Range>
    constexpr Result<void> assign_all(OnFailure failure, Range&& range) {
        if constexpr (is_counted<Range>) {
            const auto count = static_cast<size_type>(std::ranges::distance(range));
            return this->assign_counted(failure, std::ranges::begin(range), count);
        } else {
            auto gathered = gather(failure, std::forward<Range>(range));
            if (!gathered) return std::unexpected(gathered.error());
            clear();
            take(*gathered);
            return {};
        }
    }
    template <class Range>
    constexpr Result<iterator> insert_all(OnFailure failure, size_type index, Range&& range) {
        if constexpr (is_counted<Range>) {
            const auto count = static_cast<size_type>(std::ranges::distance(range));
            return this->insert_counted(failure, index, std::ranges::begin(range), count);
        } else {
            auto gathered = gather(failure, std::forward<Range>(range));
            if (!gathered) return std::unexpected(gathered.error());
            return this->insert_counted(failure, index, std::move_iterator(gathered->data_),
                                        gathered->size_);
        }
    }
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

template <class T, class Allocator>
    requires requires(const T& a, const T& b) { static_cast<bool>(a == b); }
[[nodiscard]] constexpr bool operator==(const vector<T, Allocator>& a,
                                        const vector<T, Allocator>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!(a.data()[i] == b.data()[i])) return false;
    }
    return true;
}

/// The order of two elements: their own <=>, or what < says.
template <class T>
    requires requires(const T& a, const T& b) { static_cast<bool>(a < b); }
[[nodiscard]] constexpr auto compare_elements(const T& a, const T& b) {
    if constexpr (std::three_way_comparable<T>) {
        return a <=> b;
    } else {
        if (a < b) return std::weak_ordering::less;
        return b < a ? std::weak_ordering::greater : std::weak_ordering::equivalent;
    }
}

/// Lexicographical.
template <class T, class Allocator>
[[nodiscard]] constexpr auto operator<=>(const vector<T, Allocator>& a,
                                         const vector<T, Allocator>& b)
    -> decltype(compare_elements(*a.data(), *b.data())) {
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
        const auto order = compare_elements(a.data()[i], b.data()[i]);
        if (order != 0) return order;
    }
    return a.size() <=> b.size();
}

/// Removes the elements that satisfy `predicate`; returns how many.
template <class T, class Allocator, class Predicate>
    requires std::predicate<Predicate&, const T&>
constexpr std::size_t erase_if(vector<T, Allocator>& from, Predicate predicate) {
    T* kept = from.begin();
    for (T& element : from) {
        if (predicate(std::as_const(element))) continue;
        if (kept != std::addressof(element)) *kept = std::move(element);
        ++kept;
    }
    const auto count = static_cast<std::size_t>(from.end() - kept);
    from.erase(kept, from.end());
    return count;
}

/// Removes the elements that equal `value`, which may be one of them; returns how many.
template <class T, class Allocator, class Value = T>
constexpr std::size_t erase(vector<T, Allocator>& from, const Value& value) {
    if constexpr (std::is_same_v<T, Value> && std::is_copy_constructible_v<T>) {
        bool is_element = true;  // for all that constant evaluation knows
        if !consteval {
            const std::less<const T*> before;
            const T* const at = std::addressof(value);
            is_element = !before(at, from.begin()) && before(at, from.end());
        }
        if (is_element) {
            const T copy(value);
            return erase_if(from, [&](const T& element) { return element == copy; });
        }
    }
    return erase_if(from, [&](const T& element) { return element == value; });
}

}  // namespace cairn
