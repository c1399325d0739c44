// SPDX-License-Identifier: MIT
// What std declares beside its string: comparison, operator+, erase, erase_if and std::hash.
// Include lib/cairn/string.hpp.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

#include "cairn/string.hpp"

namespace cairn {

template <class T>
inline constexpr bool is_basic_string = false;
template <class Allocator>
inline constexpr bool is_basic_string<basic_string<Allocator>> = true;

// --- comparison, with whatever converts to std::string_view

template <class Allocator, std::convertible_to<std::string_view> Text>
[[nodiscard]] constexpr bool operator==(const basic_string<Allocator>& a, const Text& b) noexcept {
    return a.view() == std::string_view(b);
}
template <class Allocator, std::convertible_to<std::string_view> Text>
[[nodiscard]] constexpr std::strong_ordering operator<=>(const basic_string<Allocator>& a,
                                                         const Text& b) noexcept {
    return a.view() <=> std::string_view(b);
}

// --- concatenation: in the storage and with the allocator of a string that is moved from, of the
// left one of two; else in one new block with the allocator of a string's copy

constexpr std::string_view text_of(const char& letter) noexcept {
    return {&letter, 1};
}
constexpr std::string_view text_of(std::string_view text) noexcept {
    return text;
}

template <class Allocator>
[[nodiscard]] constexpr basic_string<Allocator> joined(std::string_view a, std::string_view b,
                                                       const Allocator& allocator) {
    using Traits = std::allocator_traits<Allocator>;
    basic_string<Allocator> both(Traits::select_on_container_copy_construction(allocator));
    both.reserve(a.size() + b.size());
    both.append(a).append(b);
    return both;
}

template <class Allocator>
[[nodiscard]] constexpr basic_string<Allocator> operator+(basic_string<Allocator>&& a,
                                                          const StringPiece auto& b) {
    return std::move(a.append(text_of(b)));
}
template <class Allocator>
[[nodiscard]] constexpr basic_string<Allocator> operator+(basic_string<Allocator>&& a,
                                                          basic_string<Allocator>&& b) {
    return std::move(a.append(b));
}
template <class Allocator, StringPiece Left>
    requires(!is_basic_string<Left> || std::same_as<Left, basic_string<Allocator>>)
[[nodiscard]] constexpr basic_string<Allocator> operator+(const Left& a,
                                                          basic_string<Allocator>&& b) {
    return std::move(b.insert(0, text_of(a)));
}
template <class Allocator>
[[nodiscard]] constexpr basic_string<Allocator> operator+(const basic_string<Allocator>& a,
                                                          const StringPiece auto& b) {
    return joined(a, text_of(b), a.get_allocator());
}
template <class Allocator, StringPiece Left>
    requires(!is_basic_string<Left>)
[[nodiscard]] constexpr basic_string<Allocator> operator+(const Left& a,
                                                          const basic_string<Allocator>& b) {
    return joined(text_of(a), b, b.get_allocator());
}

// --- removal

/// Removes the characters that satisfy `predicate`; returns how many.
template <class Allocator, std::predicate<char> Predicate>
constexpr std::size_t erase_if(basic_string<Allocator>& from, Predicate predicate) {
    std::size_t kept = 0;
    char* const text = from.data();
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (!predicate(text[i])) text[kept++] = text[i];
    }
    const std::size_t removed = from.size() - kept;
    from.resize(kept);
    return removed;
}
template <class Allocator, class Value = char>
constexpr std::size_t erase(basic_string<Allocator>& from, const Value& value) {
    return erase_if(from, [letter = value](char each) { return each == letter; });
}

}  // namespace cairn

/// As that of the std::string_view of the text, so without a secret: cairn::seeded_hash has one.
template <class Allocator>
struct std::hash<cairn::basic_string<Allocator>> {
    [[nodiscard]] std::size_t operator()(
        const cairn::basic_string<Allocator>& text) const noexcept {
        return std::hash<std::string_view>()(text.view());
    }
};
