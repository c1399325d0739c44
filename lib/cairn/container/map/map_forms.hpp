// SPDX-License-Identifier: MIT
// What flat_map and hash_map have in common: the interface of std's maps, made of a few operations
// of the container itself. No public interface.
//
// The try_ forms report ContainerError where their namesakes panic for want of memory; then nothing
// has changed and nothing has been moved from. They answer for this map's memory: a key or value
// that allocates for itself while it is constructed still panics. Nothing is moved from either
// where the key is there already, but for insert_or_assign's value, and what emplace makes a pair
// of, or insert if its key is not const.
//
// A key is looked up as it is given where the map's comparison (or hash) is transparent; any other
// is made a Key first. So are numbers, always: in a map of unsigned keys -1 is 0xffff'ffff for both
// operator[] and find, and in one of wider signed keys for neither.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <ranges>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/fallible.hpp"

namespace cairn {

template <class Function>
concept Transparent = requires { typename Function::is_transparent; };

/// What can be an entry's key and value.
template <class Key, class Value>
inline constexpr bool are_entry = std::is_object_v<Key> && std::is_object_v<Value>;

/// What an entry can be made of, but is none itself.
template <class Pair, class Entry>
concept MakesEntry =
    !std::same_as<std::remove_cvref_t<Pair>, Entry> && std::is_constructible_v<Entry, Pair>;

/// A range of what entries can be made of.
template <class Range, class Entry>
concept RangeOfEntries = std::ranges::input_range<Range> &&
                         std::is_constructible_v<Entry, std::ranges::range_reference_t<Range>>;

/// Of a class Map, which derives from this.
template <class Map, class Key, class Value, class Allocator, bool transparent>
class MapForms {
    static constexpr OnFailure panics = OnFailure::panic;
    static constexpr OnFailure reports = OnFailure::report;
    using Here = std::source_location;

  protected:
    static constexpr bool can_report = FallibleAllocator<Allocator>;

    /// Whether an Other is looked up as it is: no number that can become a key.
    template <class Other>
    static constexpr bool serves_as_key =
        std::is_same_v<Other, Key> ||
        (transparent && !(std::is_arithmetic_v<Other> && std::is_constructible_v<Key, Other>));

    template <class Other>
    static constexpr decltype(auto) as_key(Other&& key) {
        if constexpr (serves_as_key<std::remove_cvref_t<Other>>) {
            return std::forward<Other>(key);
        } else {
            return static_cast<Key>(std::forward<Other>(key));
        }
    }

    /// Whether an Other says where an entry lies, in a Self.
    template <class Other, class Self>
    static constexpr bool is_position = std::is_convertible_v<Other, typename Self::const_iterator>;

    /// Whether a std::pair is made of the arguments as std's emplace makes one.
    template <class... Arguments>
    static constexpr bool makes_pair() {
        if constexpr (sizeof...(Arguments) == 0) {
            return true;
        } else if constexpr (sizeof...(Arguments) == 1) {
            return (std::is_constructible_v<std::pair<Key, Value>, Arguments> && ...);
        } else {
            using First = std::tuple_element_t<0, std::tuple<Arguments...>>;
            return sizeof...(Arguments) == 3 &&
                   std::is_same_v<std::remove_cvref_t<First>, std::piecewise_construct_t>;
        }
    }

  public:
    using key_type = Key;
    using mapped_type = Value;
    using value_type = std::pair<const Key, Value>;
    using allocator_type = Allocator;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = value_type&;
    using const_reference = const value_type&;
    using pointer = value_type*;
    using const_pointer = const value_type*;

    // --- access

    /// Where the entry of `key` is, or end().
    template <class Other = Key>
    [[nodiscard]] constexpr auto find(const Other& key) {
        return self().iterator_at(self().locate(as_key(key)));
    }
    template <class Other = Key>
    [[nodiscard]] constexpr auto find(const Other& key) const {
        return self().iterator_at(self().locate(as_key(key)));
    }
    template <class Other = Key>
    [[nodiscard]] constexpr bool contains(const Other& key) const {
        return find(key) != self().end();
    }
    /// Panics where std's throws.
    template <class Other = Key>
    [[nodiscard]] constexpr Value& at(const Other& key, Here where = Here::current()) {
        return value_at(find(key), self().end(), where);
    }
    template <class Other = Key>
    [[nodiscard]] constexpr const Value& at(const Other& key, Here where = Here::current()) const {
        return value_at(find(key), self().end(), where);
    }
    template <class Other = Key>
    constexpr Value& operator[](Other&& key) {
        return try_emplace(std::forward<Other>(key)).first->second;
    }
    // --- insertion: where the entry is, and whether it is new

    /// An entry of what a std::pair is made of; or of `key` and the arguments of a value.
    template <class... Arguments>
    constexpr auto emplace(Arguments&&... arguments) {
        if constexpr (makes_pair<Arguments...>()) {
            std::pair<Key, Value> entry(std::forward<Arguments>(arguments)...);
            return *self().put(panics, std::move(entry.first), std::move(entry.second));
        } else {
            return try_emplace(std::forward<Arguments>(arguments)...);
        }
    }
    /// An entry of `key` and a value made of `arguments`, unless there is one of that key. (The
    /// "try" is std's: memory for it there must be.)
    template <class Self = Map, class Other = Key, class... Arguments>
        requires(!is_position<Other, Self>)
    constexpr auto try_emplace(Other&& key, Arguments&&... arguments) {
        return *self().put(panics, as_key(std::forward<Other>(key)),
                           std::forward<Arguments>(arguments)...);
    }
    /// The same where there may be no memory.
    template <class Other = Key, class... Arguments>
        requires can_report
    [[nodiscard]] constexpr auto try_add(Other&& key, Arguments&&... arguments) {
        return self().put(reports, as_key(std::forward<Other>(key)),
                          std::forward<Arguments>(arguments)...);
    }

    constexpr auto insert(const value_type& entry) {
        return *self().put(panics, entry.first, entry.second);
    }
    /// Copies the key, which is constant, and moves the value.
    constexpr auto insert(value_type&& entry) {
        return *self().put(panics, entry.first, std::move(entry.second));
    }
    /// What an entry is made of, a std::pair<Key, Value> that is moved from for one.
    template <class Pair>
        requires MakesEntry<Pair, value_type>
    constexpr auto insert(Pair&& pair) {
        return emplace(std::forward<Pair>(pair));
    }
    [[nodiscard]] constexpr auto try_insert(const value_type& entry)
        requires can_report
    {
        return self().put(reports, entry.first, entry.second);
    }
    [[nodiscard]] constexpr auto try_insert(value_type&& entry)
        requires can_report
    {
        return self().put(reports, entry.first, std::move(entry.second));
    }
    template <class Pair>
        requires can_report && MakesEntry<Pair, value_type> &&
                 requires(Pair&& pair) { std::get<1>(std::forward<Pair>(pair)); }
    [[nodiscard]] constexpr auto try_insert(Pair&& pair) {
        return self().put(reports, as_key(std::get<0>(std::forward<Pair>(pair))),
                          std::get<1>(std::forward<Pair>(pair)));
    }
    /// One by one.
    template <std::input_iterator Iterator>
        requires std::is_constructible_v<value_type, std::iter_reference_t<Iterator>>
    constexpr void insert(Iterator first, Iterator last) {
        for (; first != last; ++first)
            insert(*first);
    }
    constexpr void insert(std::initializer_list<value_type> entries) { insert_range(entries); }
    template <RangeOfEntries<value_type> Range>
    constexpr void insert_range(Range&& range) {
        for (auto&& entry : range)
            insert(std::forward<decltype(entry)>(entry));
    }

    template <class Self = Map, class Other = Key, class Source = Value>
        requires(!is_position<Other, Self>)
    constexpr auto insert_or_assign(Other&& key, Source&& value) {
        return *put_or_assign(panics, std::forward<Other>(key), std::forward<Source>(value));
    }
    template <class Other = Key, class Source = Value>
        requires can_report
    [[nodiscard]] constexpr auto try_insert_or_assign(Other&& key, Source&& value) {
        return put_or_assign(reports, std::forward<Other>(key), std::forward<Source>(value));
    }

    // --- std's forms with a hint, which is not needed: only where the entry is

    template <class Self = Map, class Pair = value_type>
        requires std::is_constructible_v<value_type, Pair>
    constexpr auto insert(typename Self::const_iterator /*hint*/, Pair&& pair) {
        return insert(std::forward<Pair>(pair)).first;
    }
    template <class Self = Map, class... Arguments>
    constexpr auto emplace_hint(typename Self::const_iterator /*hint*/, Arguments&&... arguments) {
        return emplace(std::forward<Arguments>(arguments)...).first;
    }
    template <class Self = Map, class Other = Key, class... Arguments>
    constexpr auto try_emplace(typename Self::const_iterator /*hint*/, Other&& key,
                               Arguments&&... arguments) {
        return try_emplace(std::forward<Other>(key), std::forward<Arguments>(arguments)...).first;
    }
    template <class Self = Map, class Other = Key, class Source = Value>
    constexpr auto insert_or_assign(typename Self::const_iterator /*hint*/, Other&& key,
                                    Source&& value) {
        return insert_or_assign(std::forward<Other>(key), std::forward<Source>(value)).first;
    }

    /// A map of the entries of `range`.
    template <class Range, class Self = Map>
        requires can_report && RangeOfEntries<Range, value_type>
    [[nodiscard]] static constexpr std::expected<Self, ContainerError> try_from_range(
        Range&& range, const Allocator& allocator = Allocator()) {
        std::expected<Self, ContainerError> result(std::in_place, allocator);
        for (auto&& entry : range) {
            const auto done = result->try_insert(std::forward<decltype(entry)>(entry));
            if (!done) return std::unexpected(done.error());
        }
        return result;
    }

  private:
    constexpr Map& self() { return static_cast<Map&>(*this); }
    constexpr const Map& self() const { return static_cast<const Map&>(*this); }

    static constexpr auto& value_at(auto found, auto end, Here where) {
        if (found == end) [[unlikely]]
            panic_key(Map::name, where);
        return found->second;
    }
    constexpr auto put_or_assign(OnFailure failure, auto&& key, auto&& value) {
        auto result = self().put(failure, as_key(std::forward<decltype(key)>(key)),
                                 std::forward<decltype(value)>(value));
        if (result && !result->second) {
            // put() has left it alone. NOLINTNEXTLINE
            result->first->second = std::forward<decltype(value)>(value);
        }
        return result;
    }
};

}  // namespace cairn
