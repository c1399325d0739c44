// SPDX-License-Identifier: MIT
// `string`: what std::string is for, in programs without exceptions. Up to 15 characters lie in the
// object itself. The interface is std::string's but for streams, to_string and stoi
// (docs/containers.md); what formats a string_view formats a string, and
// lib/cairn/string_writer.hpp formats into one.
//
// - Out of memory in a plain form panics. A try_ form reports ContainerError and has changed
//   nothing.
// - A text that is added, inserted or assigned may be part of the string itself.
// - Misuse (an index outside, back() of nothing) panics in every build. No lock.
//
// (libc++'s std::string compiles freestanding but ends the program where memory runs out, cannot be
// asked to say no, and its members are in the library, which is not there to link with.)
#pragma once

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
#include "cairn/container/container_error.hpp"
#include "cairn/container/from_range.hpp"
#include "cairn/container/string/string_access.hpp"
#include "cairn/container/string/string_search.hpp"
#include "cairn/container/vector/relocate.hpp"
#include "cairn/panic.hpp"

namespace cairn {

/// A range of characters that is no text itself.
template <class Range>
concept CharacterRange = std::ranges::input_range<Range> &&
                         std::convertible_to<std::ranges::range_reference_t<Range>, char>;

/// Characters that lie one behind the other, as those of a text. What else lies so is not asked for
/// its size, as by std, because its own functions could be meant.
template <class Range>
concept TextRange =
    std::ranges::contiguous_range<Range> && std::same_as<std::ranges::range_value_t<Range>, char> &&
    std::ranges::sized_range<Range>;

/// A position in a text. Deduced, so that the number 0 is none.
template <class T>
concept TextPosition = std::same_as<T, char*> || std::same_as<T, const char*>;

/// What converts to a text, and is no pointer to one.
template <class T>
concept TextObject =
    std::convertible_to<const T&, std::string_view> && !std::convertible_to<const T&, const char*>;

template <class Allocator = allocator<char>>
class basic_string : public StringAccess<Allocator>, public StringSearch<basic_string<Allocator>> {
    using Core = StringAccess<Allocator>;
    using Search = StringSearch<basic_string>;
    using Core::allocator_, Core::chars;
    using Core::check_not_empty, Core::index_of, Core::indices_of, Core::valid;
    using Search::part;
    using typename Core::Traits;
    template <class Value>
    using Result = std::expected<Value, ContainerError>;
    static constexpr OnFailure panics = OnFailure::panic;
    using Here = std::source_location;

  public:
    using allocator_type = Allocator;
    using Core::npos;
    using typename Core::size_type, typename Core::iterator, typename Core::const_iterator;

    // --- construction and assignment

    constexpr basic_string() noexcept(std::is_nothrow_default_constructible_v<Allocator>)
        : Core(Allocator()) {}
    constexpr explicit basic_string(const Allocator& allocator) noexcept : Core(allocator) {}
    /// No plain std::string_view, which ({"abc", 2}) could be as well as a string.
    constexpr explicit basic_string(const TextObject auto& text,
                                    const Allocator& allocator = Allocator())
        : Core(allocator) {
        append(text);
    }
    constexpr basic_string(const char* text,  // NOLINT: implicit, as in std
                           const Allocator& allocator = Allocator())
        : basic_string(std::string_view(text), allocator) {}
    basic_string(std::nullptr_t) = delete;
    constexpr basic_string(const char* text, size_type count,
                           const Allocator& allocator = Allocator())
        : basic_string(std::string_view(text, count), allocator) {}
    /// The `count` characters of `text` from `index` on, or as many as there are.
    constexpr basic_string(const TextObject auto& text, size_type index, size_type count = npos,
                           const Allocator& allocator = Allocator(), Here where = Here::current())
        : basic_string(part(text, index, count, where), allocator) {}
    constexpr basic_string(const char* text, size_type index, size_type count,
                           const Allocator& allocator = Allocator(), Here where = Here::current())
        : basic_string(part(text, index, count, where), allocator) {}
    constexpr basic_string(const basic_string& text, size_type index,
                           const std::type_identity_t<Allocator>& allocator,
                           Here where = Here::current())
        : basic_string(text, index, npos, allocator, where) {}
    /// A part of `other` in the storage that `other` has.
    constexpr basic_string(basic_string&& other, size_type index, size_type count = npos,
                           const Allocator& allocator = Allocator(), Here where = Here::current())
        : Core(allocator) {
        other = part(other, index, count, where);
        take(other);
    }
    constexpr basic_string(basic_string&& other, size_type index,
                           const std::type_identity_t<Allocator>& allocator,
                           Here where = Here::current())
        : basic_string(std::move(other), index, npos, allocator, where) {}
    constexpr basic_string(size_type count, char letter, const Allocator& allocator = Allocator())
        : Core(allocator) {
        append(count, letter);
    }
    constexpr basic_string(std::initializer_list<char> letters,
                           const Allocator& allocator = Allocator())
        : Core(allocator) {
        append(letters);
    }
    template <std::input_iterator Iterator>
    constexpr basic_string(Iterator first, Iterator last, const Allocator& allocator = Allocator())
        : Core(allocator) {
        append(std::move(first), std::move(last));
    }
    template <CharacterRange Range>
    constexpr basic_string(from_range_t, Range&& range, const Allocator& allocator = Allocator())
        : Core(allocator) {
        append_range(std::forward<Range>(range));
    }
    constexpr basic_string(const basic_string& other)
        : basic_string(other.view(),
                       Traits::select_on_container_copy_construction(other.allocator_)) {}
    constexpr basic_string(const basic_string& other,
                           const std::type_identity_t<Allocator>& allocator)
        : basic_string(other.view(), allocator) {}
    constexpr basic_string(basic_string&& other) noexcept : Core(other.allocator_) {
        this->steal(other);
    }
    constexpr basic_string(basic_string&& other, const std::type_identity_t<Allocator>& allocator)
        : Core(allocator) {
        take(other);
    }
    constexpr ~basic_string() = default;

    constexpr basic_string& operator=(const basic_string& other) {
        if (this == &other) return *this;
        if constexpr (Traits::propagate_on_container_copy_assignment::value) {
            if (allocator_ != other.allocator_) this->release();
            allocator_ = other.allocator_;
        }
        return assign(other.view());
    }
    constexpr basic_string& operator=(basic_string&& other) noexcept(
        Traits::propagate_on_container_move_assignment::value || Traits::is_always_equal::value) {
        if (this == &other) return *this;
        if constexpr (Traits::propagate_on_container_move_assignment::value) {
            this->release();
            allocator_ = other.allocator_;
            this->steal(other);
        } else {
            take(other);
        }
        return *this;
    }
    constexpr basic_string& operator=(const TextObject auto& text) { return assign(text); }
    constexpr basic_string& operator=(const char* text) { return assign(text); }
    /// Also what `= {}` calls.
    constexpr basic_string& operator=(std::initializer_list<char> letters) {
        return assign(letters);
    }
    /// A character; other than in std, no number is one.
    constexpr basic_string& operator=(std::same_as<char> auto letter) { return assign(1, letter); }
    basic_string& operator=(std::nullptr_t) = delete;

    /// A string of `text`.
    [[nodiscard]] static constexpr Result<basic_string> try_from(
        std::string_view text, const Allocator& allocator = Allocator())
        requires FallibleAllocator<Allocator>
    {
        Result<basic_string> result(std::in_place, allocator);
        const auto done = result->try_append(text);
        if (!done) return std::unexpected(done.error());
        return result;
    }

    using Core::view, Core::begin, Core::end, Core::length, Core::empty;
    [[nodiscard]] constexpr Allocator get_allocator() const noexcept { return allocator_; }

    /// With the allocator of a copy; std's takes a new one.
    [[nodiscard]] constexpr basic_string substr(size_type index = 0, size_type count = npos,
                                                Here where = Here::current()) const& {
        return basic_string(part(view(), index, count, where),
                            Traits::select_on_container_copy_construction(allocator_));
    }
    [[nodiscard]] constexpr basic_string substr(size_type index = 0, size_type count = npos,
                                                Here where = Here::current()) && {
        return basic_string(std::move(*this), index, count, allocator_, where);
    }
    /// Copies as many of `count` characters from `index` on as there are, without a NUL; how many.
    constexpr size_type copy(char* to, size_type count, size_type index = 0,
                             Here where = Here::current()) const {
        return part(view(), index, count, where).copy(to, count);
    }

    // --- changes

    constexpr basic_string& assign(std::string_view text) { return put(0, length(), text); }
    constexpr basic_string& assign(const std::same_as<basic_string> auto& other) {
        return *this = other;
    }
    constexpr basic_string& assign(std::same_as<basic_string> auto&& other) noexcept(
        std::is_nothrow_move_assignable_v<basic_string>) {
        return *this = std::move(other);
    }
    constexpr basic_string& assign(const char* text, size_type count) {
        return assign(std::string_view(text, count));
    }
    constexpr basic_string& assign(std::string_view text, size_type index, size_type count = npos,
                                   Here where = Here::current()) {
        return assign(part(text, index, count, where));
    }
    constexpr basic_string& assign(size_type count, char letter) {
        this->fill_from(panics, 0, count, letter);
        return *this;
    }
    constexpr basic_string& assign(std::initializer_list<char> letters) {
        return assign(letters.begin(), letters.end());
    }
    template <std::input_iterator Iterator>
    constexpr basic_string& assign(Iterator first, Iterator last) {
        return put(0, length(), IteratorRange(std::move(first), std::move(last)));
    }
    template <CharacterRange Range>
    constexpr basic_string& assign_range(Range&& range) {
        return put(0, length(), std::forward<Range>(range));
    }

    constexpr basic_string& append(std::string_view text) { return put(length(), 0, text); }
    constexpr basic_string& append(const char* text, size_type count) {
        return append(std::string_view(text, count));
    }
    constexpr basic_string& append(std::string_view text, size_type index, size_type count = npos,
                                   Here where = Here::current()) {
        return append(part(text, index, count, where));
    }
    constexpr basic_string& append(size_type count, char letter) {
        this->fill_from(panics, length(), count, letter);
        return *this;
    }
    constexpr basic_string& append(std::initializer_list<char> letters) {
        return append(letters.begin(), letters.end());
    }
    template <std::input_iterator Iterator>
    constexpr basic_string& append(Iterator first, Iterator last) {
        return put(length(), 0, IteratorRange(std::move(first), std::move(last)));
    }
    template <CharacterRange Range>
    constexpr basic_string& append_range(Range&& range) {
        return put(length(), 0, std::forward<Range>(range));
    }
    constexpr basic_string& operator+=(std::string_view text) { return append(text); }
    constexpr basic_string& operator+=(char letter) {
        push_back(letter);
        return *this;
    }
    constexpr basic_string& operator+=(std::initializer_list<char> letters) {
        return append(letters);
    }
    constexpr void push_back(char letter) {
        [[maybe_unused]] const auto done = this->push(panics, letter);
    }
    constexpr void pop_back(Here where = Here::current()) {
        check_not_empty("pop_back()", where);
        this->set_length(length() - 1);
    }

    constexpr basic_string& insert(size_type index, std::string_view text,
                                   Here where = Here::current()) {
        return replace(index, 0, text, where);
    }
    constexpr basic_string& insert(size_type index, const char* text, size_type count,
                                   Here where = Here::current()) {
        return replace(index, 0, std::string_view(text, count), where);
    }
    constexpr basic_string& insert(size_type index, std::string_view text, size_type from,
                                   size_type count = npos, Here where = Here::current()) {
        return replace(index, 0, part(text, from, count, where), where);
    }
    constexpr basic_string& insert(size_type index, size_type count, char letter,
                                   Here where = Here::current()) {
        return replace(index, 0, count, letter, where);
    }
    constexpr iterator insert(TextPosition auto position, char letter,
                              Here where = Here::current()) {
        return insert(position, size_type{1}, letter, where);
    }
    constexpr iterator insert(TextPosition auto position, size_type count, char letter,
                              Here where = Here::current()) {
        const size_type index = index_of({position, where});
        insert(index, count, letter, where);
        return begin() + index;
    }
    template <std::input_iterator Iterator>
    constexpr iterator insert(TextPosition auto position, Iterator first, Iterator last,
                              Here where = Here::current()) {
        const size_type index = index_of({position, where});
        put(index, 0, IteratorRange(std::move(first), std::move(last)));
        return begin() + index;
    }
    constexpr iterator insert(TextPosition auto position, std::initializer_list<char> letters,
                              Here where = Here::current()) {
        return insert_range(position, letters, where);
    }
    template <CharacterRange Range>
    constexpr iterator insert_range(const_iterator position, Range&& range,
                                    Here where = Here::current()) {
        const size_type index = index_of({position, where});
        put(index, 0, std::forward<Range>(range));
        return begin() + index;
    }

    /// `text` instead of the `count` characters from `index` on, or of as many as there are.
    constexpr basic_string& replace(size_type index, size_type count, std::string_view text,
                                    Here where = Here::current()) {
        return put(index, this->present(index, count, where), text);
    }
    constexpr basic_string& replace(size_type index, size_type count, const char* text,
                                    size_type letters, Here where = Here::current()) {
        return replace(index, count, std::string_view(text, letters), where);
    }
    constexpr basic_string& replace(size_type index, size_type count, std::string_view text,
                                    size_type from, size_type letters = npos,
                                    Here where = Here::current()) {
        return replace(index, count, part(text, from, letters, where), where);
    }
    constexpr basic_string& replace(size_type index, size_type count, size_type copies, char letter,
                                    Here where = Here::current()) {
        const size_type removed = this->present(index, count, where);
        return put(index, removed, basic_string(copies, letter, allocator_).view());
    }
    constexpr basic_string& replace(TextPosition auto first, TextPosition auto last,
                                    std::string_view text, Here where = Here::current()) {
        const auto [index, count] = indices_of(first, last, where);
        return put(index, count, text);
    }
    constexpr basic_string& replace(TextPosition auto first, TextPosition auto last,
                                    const char* text, size_type letters,
                                    Here where = Here::current()) {
        return replace(first, last, std::string_view(text, letters), where);
    }
    constexpr basic_string& replace(TextPosition auto first, TextPosition auto last,
                                    size_type copies, char letter, Here where = Here::current()) {
        const auto [index, count] = indices_of(first, last, where);
        return replace(index, count, copies, letter, where);
    }
    template <std::input_iterator Iterator>
    constexpr basic_string& replace(TextPosition auto first, TextPosition auto last, Iterator from,
                                    Iterator to, Here where = Here::current()) {
        const auto [index, count] = indices_of(first, last, where);
        return put(index, count, IteratorRange(std::move(from), std::move(to)));
    }
    constexpr basic_string& replace(TextPosition auto first, TextPosition auto last,
                                    std::initializer_list<char> letters,
                                    Here where = Here::current()) {
        return replace_with_range(first, last, letters, where);
    }
    template <CharacterRange Range>
    constexpr basic_string& replace_with_range(const_iterator first, const_iterator last,
                                               Range&& range, Here where = Here::current()) {
        const auto [index, count] = indices_of(first, last, where);
        return put(index, count, std::forward<Range>(range));
    }

    constexpr basic_string& erase(size_type index = 0, size_type count = npos,
                                  Here where = Here::current()) {
        return put(index, this->present(index, count, where), std::string_view());
    }
    constexpr iterator erase(TextPosition auto position, Here where = Here::current()) {
        const size_type index = valid({index_of({position, where}), where});
        put(index, 1, std::string_view());
        return begin() + index;
    }
    constexpr iterator erase(TextPosition auto first, TextPosition auto last,
                             Here where = Here::current()) {
        const auto [index, count] = indices_of(first, last, where);
        put(index, count, std::string_view());
        return begin() + index;
    }

    /// Of that size: the last characters go, or `letter`s come.
    constexpr void resize(size_type count, char letter = '\0') {
        [[maybe_unused]] const auto done = this->resize_to(panics, count, letter);
    }
    /// `operation(text, count)` writes up to `count` characters and says how many it leaves.
    template <class Operation>
    constexpr void resize_and_overwrite(size_type count, Operation operation,
                                        Here where = Here::current()) {
        resize(count);
        const auto left = static_cast<size_type>(std::move(operation)(chars(), size_type{count}));
        require(left <= count, "string: resize_and_overwrite() of more than there is", where);
        this->set_length(left);
    }
    constexpr void reserve(size_type count) { this->reserve_at_least(panics, count); }
    constexpr void shrink_to_fit() { this->shrink(); }
    constexpr void clear() noexcept { this->set_length(0); }
    constexpr void swap(basic_string& other) noexcept {
        if constexpr (!Traits::propagate_on_container_swap::value &&
                      !Traits::is_always_equal::value) {
            require(allocator_ == other.allocator_, "string: swap() between unequal allocators");
        }
        basic_string kept(other.allocator_);
        kept.steal(other);
        if constexpr (Traits::propagate_on_container_swap::value) {
            other.allocator_ = std::exchange(allocator_, other.allocator_);
        }
        other.steal(*this);
        this->steal(kept);
    }
    friend constexpr void swap(basic_string& a, basic_string& b) noexcept { a.swap(b); }

  private:
    /// `added`, which may be part of this string, instead of `removed` characters at `index`.
    constexpr basic_string& put(size_type index, size_type removed, std::string_view added) {
        this->replace_at(panics, index, removed, added);
        return *this;
    }
    template <class Range>
        requires(!std::same_as<std::remove_cvref_t<Range>, std::string_view>)
    constexpr basic_string& put(size_type index, size_type removed, Range&& range) {
        if constexpr (TextRange<Range>) {
            return put(index, removed,
                       std::string_view(std::ranges::data(range), std::ranges::size(range)));
        } else {
            basic_string gathered(allocator_);
            for (auto&& letter : range)
                gathered.push_back(static_cast<char>(letter));
            return put(index, removed, gathered.view());
        }
    }
    /// The text of `other`, which is left empty: its block where the allocators are equal.
    constexpr void take(basic_string& other) {
        if (allocator_ == other.allocator_) {
            this->release();
            this->steal(other);
        } else {
            assign(other.view());
            other.clear();
        }
    }
};

template <class Allocator>
    requires(!is_allocator_of<Allocator, char>)
class basic_string<Allocator> {
    static_assert(is_allocator_of<Allocator, char>,
                  "string: its allocator is one for char, with raw pointers");
};

using string = basic_string<>;

template <class Allocator>
inline constexpr bool is_trivially_relocatable_v<basic_string<Allocator>> =
    is_trivially_relocatable_v<Allocator>;

}  // namespace cairn

#include "cairn/container/string/string_algorithms.hpp"  // IWYU pragma: export
