// SPDX-License-Identifier: MIT
// What flat_map and hash_map have in common: the interface of std's maps, made of a few operations
// of the container itself. No public interface.
//
// The try_ forms report ContainerError where their namesakes panic for want of memory; then nothing
// has changed and nothing has been moved from. They answer for this map's memory: a key or value
// that allocates for itself while it is constructed still panics. As in std, nothing is moved from
// either where the key is there already (but for insert_or_assign's value).
//
// A key is looked up as it is given where the map's comparison (or hash) is transparent; any other
// is made a Key first. So are numbers, always: -1 must not be found where there is 0xffff'ffff.
#pragma once

#include <concepts>
#include <cstddef>
#include <expected>
#include <source_location>
#include <type_traits>
#include <utility>

#include "lib/container/container_error.hpp"
#include "lib/container/fallible.hpp"

namespace cairn {

template <class Function>
concept Transparent = requires { typename Function::is_transparent; };

template <class Key, class Value, class Allocator, bool transparent>
class MapForms {
    static constexpr OnFailure panics = OnFailure::panic;
    static constexpr OnFailure reports = OnFailure::report;
    using Here = std::source_location;

  protected:
    static constexpr bool can_report = FallibleAllocator<Allocator>;

    /// Whether an Other is looked up as it is.
    template <class Other>
    static constexpr bool serves_as_key =
        std::is_same_v<Other, Key> || (transparent && !std::is_arithmetic_v<Other>);

    template <class Other>
    static constexpr decltype(auto) as_key(Other&& key) {
        if constexpr (serves_as_key<std::remove_cvref_t<Other>>) {
            return std::forward<Other>(key);
        } else {
            return static_cast<Key>(std::forward<Other>(key));
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

    // --- access

    /// Where the entry of `key` is, or end().
    template <class Other = Key>
    [[nodiscard]] constexpr auto find(this auto& self, const Other& key) {
        return self.iterator_at(self.locate(as_key(key)));
    }
    template <class Other = Key>
    [[nodiscard]] constexpr bool contains(this const auto& self, const Other& key) {
        return self.find(key) != self.end();
    }
    template <class Other = Key>
    [[nodiscard]] constexpr size_type count(this const auto& self, const Other& key) {
        return self.contains(key) ? 1 : 0;
    }
    /// Panics where std's throws.
    template <class Other = Key>
    [[nodiscard]] constexpr auto& at(this auto& self, const Other& key,
                                     Here where = Here::current()) {
        const auto found = self.find(key);
        if (found == self.end()) [[unlikely]]
            panic_key(self.name, where);
        return found->second;
    }
    template <class Other = Key>
    constexpr Value& operator[](this auto& self, Other&& key) {
        return self.emplace(std::forward<Other>(key)).first->second;
    }

    // --- insertion: where the entry is, and whether it is new

    /// An entry of `key` and a value made of `arguments`, unless there is one of that key. (Both
    /// forms take the arguments of std's try_emplace.)
    template <class Other = Key, class... Arguments>
    constexpr auto emplace(this auto& self, Other&& key, Arguments&&... arguments) {
        return *self.put(panics, as_key(std::forward<Other>(key)),
                         std::forward<Arguments>(arguments)...);
    }
    template <class Other = Key, class... Arguments>
        requires can_report
    [[nodiscard]] constexpr auto try_emplace(this auto& self, Other&& key,
                                             Arguments&&... arguments) {
        return self.put(reports, as_key(std::forward<Other>(key)),
                        std::forward<Arguments>(arguments)...);
    }

    constexpr auto insert(this auto& self, const value_type& entry) {
        return *self.put(panics, entry.first, entry.second);
    }
    /// Copies the key, which is constant, and moves the value.
    constexpr auto insert(this auto& self, value_type&& entry) {
        return *self.put(panics, entry.first, std::move(entry.second));
    }
    [[nodiscard]] constexpr auto try_insert(this auto& self, const value_type& entry)
        requires can_report
    {
        return self.put(reports, entry.first, entry.second);
    }
    [[nodiscard]] constexpr auto try_insert(this auto& self, value_type&& entry)
        requires can_report
    {
        return self.put(reports, entry.first, std::move(entry.second));
    }
    /// One by one.
    template <class Range>
    constexpr void insert_range(this auto& self, Range&& range) {
        for (auto&& entry : range)
            self.insert(std::forward<decltype(entry)>(entry));
    }

    template <class Other = Key, class Source = Value>
    constexpr auto insert_or_assign(this auto& self, Other&& key, Source&& value) {
        return *put_or_assign(self, panics, std::forward<Other>(key), std::forward<Source>(value));
    }
    template <class Other = Key, class Source = Value>
        requires can_report
    [[nodiscard]] constexpr auto try_insert_or_assign(this auto& self, Other&& key,
                                                      Source&& value) {
        return put_or_assign(self, reports, std::forward<Other>(key), std::forward<Source>(value));
    }

    // --- removal

    /// Removes the entry of `key`, if there is one; how many that were.
    template <class Self, class Other = Key>
        requires(!std::is_convertible_v<const Other&, typename Self::const_iterator>)
    constexpr size_type erase(this Self& self, const Other& key) {
        const auto found = self.find(key);
        if (found == self.end()) return 0;
        self.erase(found);
        return 1;
    }

  private:
    static constexpr auto put_or_assign(auto& self, OnFailure failure, auto&& key, auto&& value) {
        auto result = self.put(failure, as_key(std::forward<decltype(key)>(key)),
                               std::forward<decltype(value)>(value));
        if (result && !result->second) {
            // put() has left it alone. NOLINTNEXTLINE
            result->first->second = std::forward<decltype(value)>(value);
        }
        return result;
    }
};

}  // namespace cairn
