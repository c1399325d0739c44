// SPDX-License-Identifier: MIT
// What std declares beside its vector: comparison, erase and erase_if. Include
// lib/cairn/vector.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "cairn/vector.hpp"

namespace cairn {

template <class T, class Allocator>
    requires ComparableElement<T>
[[nodiscard]] constexpr bool operator==(const vector<T, Allocator>& a,
                                        const vector<T, Allocator>& b) {
    return cairn::have_equal_elements(a, b);
}
template <class T, class Allocator>
    requires OrderedElement<T>
[[nodiscard]] constexpr auto operator<=>(const vector<T, Allocator>& a,
                                         const vector<T, Allocator>& b) {
    return cairn::compare_all_elements(a, b);
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
