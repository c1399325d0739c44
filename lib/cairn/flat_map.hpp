// SPDX-License-Identifier: MIT
// A map as a sorted vector of entries: the smallest one, the fastest to walk and to search while it
// is small or seldom changes. Insertion and removal move what follows; iterators are pointers, in
// the order of the keys, and every change invalidates them.
//
// Entries are `std::pair<const Key, Value>`, as in std::map, so `entry.second` can be changed where
// it is. (std::flat_map, which libc++ has from version 20 on, keeps keys and values apart; it also
// throws where memory runs out, or aborts.) Comparison is by default that of the operators, between
// a key and whatever has an order with it. Forms, also the try_ ones:
// lib/cairn/container/map/map_forms.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <ranges>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/container/access.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/from_range.hpp"
#include "cairn/container/map/map_forms.hpp"
#include "cairn/vector.hpp"

namespace cairn {

template <class Key, class Value, class Compare = std::less<>,
          class Allocator = allocator<std::pair<const Key, Value>>>
class flat_map : public MapForms<flat_map<Key, Value, Compare, Allocator>, Key, Value, Allocator,
                                 Transparent<Compare>>,
                 public ContiguousIterators<flat_map<Key, Value, Compare, Allocator>,
                                            std::pair<const Key, Value>> {
    using Forms = MapForms<flat_map, Key, Value, Allocator, Transparent<Compare>>;
    using Iterators = ContiguousIterators<flat_map, std::pair<const Key, Value>>;
    friend Forms;
    friend Iterators;
    using Forms::as_key, Forms::can_report;
    template <class T>
    using Result = std::expected<T, ContainerError>;
    static constexpr const char* name = "flat_map";
    using Here = std::source_location;

    /// A vector that inserts by index, fails as it is told, and whose elements cannot be assigned.
    struct Entries : vector<std::pair<const Key, Value>, Allocator> {
        using Base = vector<std::pair<const Key, Value>, Allocator>;
        using Base::Base, Base::emplace_at, Base::erase_at, Base::erase_where;
    };

  public:
    using Iterators::begin, Iterators::end;
    using typename Forms::pointer, typename Forms::const_pointer;
    using typename Forms::reference, typename Forms::const_reference;
    using typename Forms::size_type, typename Forms::difference_type, typename Forms::value_type;
    using typename Iterators::iterator, typename Iterators::const_iterator;
    using key_compare = Compare;

    constexpr flat_map() = default;
    constexpr explicit flat_map(const Allocator& allocator) : entries_(allocator) {}
    constexpr explicit flat_map(const Compare& compare, const Allocator& allocator = Allocator())
        : entries_(allocator), compare_(compare) {}
    constexpr flat_map(std::initializer_list<value_type> entries, const Compare& compare,
                       const Allocator& allocator = Allocator())
        : flat_map(compare, allocator) {
        reserve(entries.size());
        this->insert_range(entries);
    }
    constexpr flat_map(std::initializer_list<value_type> entries,
                       const Allocator& allocator = Allocator())
        : flat_map(entries, Compare(), allocator) {}
    template <RangeOfEntries<value_type> Range>
    constexpr flat_map(from_range_t, Range&& range, const Compare& compare,
                       const Allocator& allocator = Allocator())
        : flat_map(compare, allocator) {
        this->insert_range(std::forward<Range>(range));
    }
    template <RangeOfEntries<value_type> Range>
    constexpr flat_map(from_range_t, Range&& range, const Allocator& allocator = Allocator())
        : flat_map(from_range, std::forward<Range>(range), Compare(), allocator) {}
    template <std::input_iterator Iterator>
        requires std::is_constructible_v<value_type, std::iter_reference_t<Iterator>>
    constexpr flat_map(Iterator first, Iterator last, const Compare& compare,
                       const Allocator& allocator = Allocator())
        : flat_map(compare, allocator) {
        this->insert(std::move(first), std::move(last));
    }
    template <std::input_iterator Iterator>
        requires std::is_constructible_v<value_type, std::iter_reference_t<Iterator>>
    constexpr flat_map(Iterator first, Iterator last, const Allocator& allocator = Allocator())
        : flat_map(std::move(first), std::move(last), Compare(), allocator) {}
    constexpr flat_map(const flat_map& other, const std::type_identity_t<Allocator>& allocator)
        : entries_(other.entries_, allocator), compare_(other.compare_) {}
    /// Moves entry by entry where the allocators differ.
    constexpr flat_map(flat_map&& other, const std::type_identity_t<Allocator>& allocator)
        : entries_(std::move(other.entries_), allocator), compare_(other.compare_) {}
    constexpr flat_map(const flat_map&) = default;
    constexpr flat_map(flat_map&&) = default;
    constexpr flat_map& operator=(const flat_map&) = default;
    constexpr flat_map& operator=(flat_map&& other) noexcept(
        std::is_nothrow_move_assignable_v<Entries> && std::is_nothrow_move_assignable_v<Compare>)
        requires std::is_move_assignable_v<Compare>
    {
        if (this == &other) return *this;
        compare_ = std::move(other.compare_);  // first: `other` may be part of an entry
        entries_ = std::move(other.entries_);
        return *this;
    }
    constexpr ~flat_map() = default;
    constexpr flat_map& operator=(std::initializer_list<value_type> entries) {
        clear();
        this->insert_range(entries);
        return *this;
    }

    // --- access

    /// The first entry whose key is not less than `key`.
    template <class Other = Key>
    [[nodiscard]] constexpr iterator lower_bound(const Other& key) {
        return begin() + lower(as_key(key));
    }
    template <class Other = Key>
    [[nodiscard]] constexpr const_iterator lower_bound(const Other& key) const {
        return begin() + lower(as_key(key));
    }
    /// The first entry whose key is greater than `key`.
    template <class Other = Key>
    [[nodiscard]] constexpr iterator upper_bound(const Other& key) {
        return begin() + upper(as_key(key));
    }
    template <class Other = Key>
    [[nodiscard]] constexpr const_iterator upper_bound(const Other& key) const {
        return begin() + upper(as_key(key));
    }

    /// The entries of `key`, or where one would be: one at most, unless the comparison is
    /// transparent and takes several keys for it.
    template <class Other = Key>
    [[nodiscard]] constexpr std::pair<iterator, iterator> equal_range(const Other& key) {
        const auto [first, last] = bounds(as_key(key));
        return {begin() + first, begin() + last};
    }
    template <class Other = Key>
    [[nodiscard]] constexpr std::pair<const_iterator, const_iterator> equal_range(
        const Other& key) const {
        const auto [first, last] = bounds(as_key(key));
        return {begin() + first, begin() + last};
    }
    template <class Other = Key>
    [[nodiscard]] constexpr size_type count(const Other& key) const {
        const auto [first, last] = bounds(as_key(key));
        return last - first;
    }

    [[nodiscard]] constexpr Allocator get_allocator() const { return entries_.get_allocator(); }
    [[nodiscard]] constexpr Compare key_comp() const { return compare_; }
    /// The order of entries, which is that of their keys.
    [[nodiscard]] constexpr auto value_comp() const {
        return [compare = compare_](const value_type& a, const value_type& b) -> bool {
            return compare(a.first, b.first);
        };
    }

    // --- capacity

    [[nodiscard]] constexpr size_type size() const noexcept { return entries_.size(); }
    [[nodiscard]] constexpr size_type capacity() const noexcept { return entries_.capacity(); }
    [[nodiscard]] constexpr size_type max_size() const noexcept { return entries_.max_size(); }
    constexpr void reserve(size_type count) { entries_.reserve(count); }
    [[nodiscard]] constexpr Result<void> try_reserve(size_type count)
        requires can_report
    {
        return entries_.try_reserve(count);
    }
    constexpr void shrink_to_fit() { entries_.shrink_to_fit(); }

    // --- removal

    /// Removes the entries of `key`; how many that were.
    template <class Other = Key>
        requires(!std::is_convertible_v<const Other&, const_iterator>)
    constexpr size_type erase(const Other& key) {
        const auto [first, last] = bounds(as_key(key));
        entries_.erase_at(first, last - first);
        return last - first;
    }
    /// What follows the entry.
    constexpr iterator erase(const_iterator position, Here where = Here::current()) {
        if (position < begin() || position >= end()) [[unlikely]]
            panic_position(name, where);
        return entries_.erase(position);
    }
    constexpr iterator erase(const_iterator first, const_iterator last,
                             Here where = Here::current()) {
        if (first < begin() || last < first || last > end()) [[unlikely]]
            panic_position(name, where);
        return entries_.erase(first, last);
    }
    constexpr void clear() noexcept { entries_.clear(); }

    constexpr void swap(flat_map& other) noexcept {
        entries_.swap(other.entries_);
        std::ranges::swap(compare_, other.compare_);
    }
    friend constexpr void swap(flat_map& a, flat_map& b) noexcept { a.swap(b); }

    /// Removes the entries that satisfy `predicate`; returns how many.
    template <class Predicate>
    friend constexpr size_type erase_if(flat_map& from, Predicate predicate) {
        return from.entries_.erase_where(std::move(predicate));
    }

  private:
    [[nodiscard]] constexpr value_type* data() noexcept { return entries_.data(); }
    [[nodiscard]] constexpr const value_type* data() const noexcept { return entries_.data(); }

    template <class Other>
    constexpr size_type lower(const Other& key) const {
        return static_cast<size_type>(
            std::ranges::partition_point(
                entries_, [&](const value_type& each) { return compare_(each.first, key); }) -
            begin());
    }
    /// Of those from index `from` on, so that no comparison makes it less than that.
    template <class Other>
    constexpr size_type upper(const Other& key, size_type from = 0) const {
        return static_cast<size_type>(
            std::ranges::partition_point(
                begin() + from, end(),
                [&](const value_type& each) { return !compare_(key, each.first); }) -
            begin());
    }
    template <class Other>
    constexpr std::pair<size_type, size_type> bounds(const Other& key) const {
        const size_type first = lower(key);
        return {first, upper(key, first)};
    }

    /// The index of `key`, or size().
    template <class Other>
    constexpr size_type locate(const Other& key) const {
        const size_type index = lower(key);
        return index == size() || compare_(key, begin()[index].first) ? size() : index;
    }
    constexpr iterator iterator_at(size_type index) { return begin() + index; }
    constexpr const_iterator iterator_at(size_type index) const { return begin() + index; }

    template <class Other, class... Arguments>
    constexpr Result<std::pair<iterator, bool>> put(OnFailure failure, Other&& key,
                                                    Arguments&&... arguments) {
        const size_type index = lower(key);
        if (index != size() && !compare_(key, begin()[index].first)) {
            return std::pair(begin() + index, false);
        }
        const auto place =
            entries_.emplace_at(failure, index, std::piecewise_construct,
                                std::forward_as_tuple(std::forward<Other>(key)),
                                std::forward_as_tuple(std::forward<Arguments>(arguments)...));
        if (!place) return std::unexpected(place.error());
        return std::pair(*place, true);
    }

    Entries entries_;
    [[no_unique_address]] Compare compare_{};
};

template <class Key, class Value, class Compare, class Allocator>
    requires ComparableElement<std::pair<const Key, Value>>
[[nodiscard]] constexpr bool operator==(const flat_map<Key, Value, Compare, Allocator>& a,
                                        const flat_map<Key, Value, Compare, Allocator>& b) {
    return cairn::have_equal_elements(a, b);
}
template <class Key, class Value, class Compare, class Allocator>
    requires OrderedElement<std::pair<const Key, Value>>
[[nodiscard]] constexpr auto operator<=>(const flat_map<Key, Value, Compare, Allocator>& a,
                                         const flat_map<Key, Value, Compare, Allocator>& b) {
    return cairn::compare_all_elements(a, b);
}

template <class Key, class Value, class Compare, class Allocator>
    requires(!are_entry<Key, Value> || !is_allocator_of<Allocator, std::pair<const Key, Value>>)
class flat_map<Key, Value, Compare, Allocator> {
    static_assert(are_entry<Key, Value>,
                  "flat_map: its keys and values are objects, not references or void");
    static_assert(!are_entry<Key, Value> || is_allocator_of<Allocator, std::pair<const Key, Value>>,
                  "flat_map: its allocator is one for std::pair<const Key, Value>");
};

template <class Key, class Value, class Compare, class Allocator>
inline constexpr bool is_trivially_relocatable_v<flat_map<Key, Value, Compare, Allocator>> =
    is_trivially_relocatable_v<Allocator> && is_trivially_relocatable_v<Compare>;

}  // namespace cairn
