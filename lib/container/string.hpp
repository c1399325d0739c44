// SPDX-License-Identifier: MIT
// `string`: what std::string is for, in programs without exceptions. Up to 15 characters lie in the
// object itself. Searching and comparing is std::string_view's business, to which it converts; what
// formats a string_view formats a string, and lib/container/string_writer.hpp formats into one.
//
// - Out of memory in a plain form panics. A try_ form reports ContainerError and has changed
//   nothing.
// - A text that is added, inserted or assigned may be part of the string itself.
// - Misuse (an index outside, back() of nothing) panics in every build. No lock.
//
// (libc++'s std::string compiles freestanding but ends the program where memory runs out, cannot be
// asked to say no, and its members are in the library, which is not there to link with.)
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <expected>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

#include "lib/container/container_error.hpp"
#include "lib/container/relocate.hpp"
#include "lib/container/string_storage.hpp"
#include "lib/heap/allocator.hpp"
#include "lib/panic.hpp"

namespace cairn {

template <class Allocator = allocator<char>>
class basic_string : public StringStorage<Allocator> {
    using Storage = StringStorage<Allocator>;
    using Storage::allocator_, Storage::length, Storage::text;
    using typename Storage::Traits;
    template <class Value>
    using Result = std::expected<Value, ContainerError>;
    static constexpr OnFailure panics = OnFailure::panic;
    static constexpr OnFailure reports = OnFailure::report;
    static constexpr bool can_report = FallibleAllocator<Allocator>;
    using Here = std::source_location;

  public:
    using value_type = char;
    using allocator_type = Allocator;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = char&;
    using const_reference = const char&;
    using iterator = char*;
    using const_iterator = const char*;
    static constexpr size_type npos = std::string_view::npos;

    // --- construction and assignment

    constexpr basic_string() noexcept(std::is_nothrow_default_constructible_v<Allocator>)
        : Storage(Allocator()) {}
    constexpr explicit basic_string(const Allocator& allocator) noexcept : Storage(allocator) {}
    constexpr explicit basic_string(std::string_view text, const Allocator& allocator = Allocator())
        : Storage(allocator) {
        append(text);
    }
    constexpr basic_string(const char* text,  // NOLINT: implicit, as in std
                           const Allocator& allocator = Allocator())
        : basic_string(std::string_view(text), allocator) {}
    basic_string(std::nullptr_t) = delete;
    constexpr basic_string(size_type count, char letter, const Allocator& allocator = Allocator())
        : Storage(allocator) {
        append(count, letter);
    }
    constexpr basic_string(const basic_string& other)
        : basic_string(other.view(),
                       Traits::select_on_container_copy_construction(other.allocator_)) {}
    constexpr basic_string(basic_string&& other) noexcept : Storage(other.allocator_) {
        this->steal(other);
    }
    constexpr ~basic_string() = default;

    constexpr basic_string& operator=(const basic_string& other) {
        if (this == &other) return *this;
        if constexpr (Traits::propagate_on_container_copy_assignment::value) {
            if (allocator_ != other.allocator_) this->release();
            allocator_ = other.allocator_;
        }
        return assign(other);
    }
    constexpr basic_string& operator=(basic_string&& other) noexcept(
        Traits::propagate_on_container_move_assignment::value || Traits::is_always_equal::value) {
        if (this == &other) return *this;
        constexpr bool propagates = Traits::propagate_on_container_move_assignment::value;
        if (!propagates && allocator_ != other.allocator_) {
            assign(other);
            other.clear();
            return *this;
        }
        this->release();
        if constexpr (propagates) allocator_ = other.allocator_;
        this->steal(other);
        return *this;
    }
    constexpr basic_string& operator=(std::string_view text) { return assign(text); }
    constexpr basic_string& operator=(const char* text) { return assign(text); }

    /// A string of `text`.
    [[nodiscard]] static constexpr Result<basic_string> try_from(
        std::string_view text, const Allocator& allocator = Allocator())
        requires can_report
    {
        Result<basic_string> result(std::in_place, allocator);
        const auto done = result->try_append(text);
        if (!done) return std::unexpected(done.error());
        return result;
    }

    // --- access

    [[nodiscard]] constexpr std::string_view view() const noexcept { return {text(), length()}; }
    constexpr operator std::string_view() const noexcept { return view(); }  // NOLINT: implicit
    [[nodiscard]] constexpr char* data() noexcept { return text(); }
    [[nodiscard]] constexpr const char* data() const noexcept { return text(); }
    [[nodiscard]] constexpr const char* c_str() const noexcept { return text(); }

    constexpr char& operator[](size_type index, Here where = Here::current()) {
        check_index(index, where);
        return text()[index];
    }
    constexpr const char& operator[](size_type index, Here where = Here::current()) const {
        check_index(index, where);
        return text()[index];
    }
    constexpr char& front(Here where = Here::current()) {
        check_not_empty("front()", where);
        return text()[0];
    }
    constexpr const char& front(Here where = Here::current()) const {
        check_not_empty("front()", where);
        return text()[0];
    }
    constexpr char& back(Here where = Here::current()) {
        check_not_empty("back()", where);
        return text()[length() - 1];
    }
    constexpr const char& back(Here where = Here::current()) const {
        check_not_empty("back()", where);
        return text()[length() - 1];
    }
    [[nodiscard]] constexpr iterator begin() noexcept { return text(); }
    [[nodiscard]] constexpr iterator end() noexcept { return text() + length(); }
    [[nodiscard]] constexpr const_iterator begin() const noexcept { return text(); }
    [[nodiscard]] constexpr const_iterator end() const noexcept { return text() + length(); }

    [[nodiscard]] constexpr bool empty() const noexcept { return length() == 0; }
    [[nodiscard]] constexpr size_type size() const noexcept { return length(); }
    [[nodiscard]] constexpr size_type capacity() const noexcept { return this->room(); }
    [[nodiscard]] constexpr size_type max_size() const noexcept { return this->maximum(); }
    [[nodiscard]] constexpr Allocator get_allocator() const noexcept { return allocator_; }

    [[nodiscard]] constexpr size_type find(std::string_view what, size_type from = 0) const {
        return view().find(what, from);
    }
    [[nodiscard]] constexpr bool contains(std::string_view what) const {
        return find(what) != npos;
    }
    [[nodiscard]] constexpr bool starts_with(std::string_view what) const {
        return view().starts_with(what);
    }
    [[nodiscard]] constexpr bool ends_with(std::string_view what) const {
        return view().ends_with(what);
    }

    // --- changes

    constexpr basic_string& assign(std::string_view text) {
        this->replace_at(panics, 0, length(), text);
        return *this;
    }
    constexpr basic_string& assign(size_type count, char letter) {
        this->fill_from(panics, 0, count, letter);
        return *this;
    }
    constexpr basic_string& append(std::string_view text) {
        this->replace_at(panics, length(), 0, text);
        return *this;
    }
    constexpr basic_string& append(size_type count, char letter) {
        this->fill_from(panics, length(), count, letter);
        return *this;
    }
    constexpr basic_string& operator+=(std::string_view text) { return append(text); }
    constexpr basic_string& operator+=(char letter) {
        push_back(letter);
        return *this;
    }
    constexpr void push_back(char letter) {
        [[maybe_unused]] const auto done = push(panics, letter);
    }
    constexpr void pop_back(Here where = Here::current()) {
        check_not_empty("pop_back()", where);
        this->set_length(length() - 1);
    }
    constexpr basic_string& insert(size_type index, std::string_view text) {
        return replace(index, 0, text);
    }
    /// `text` instead of the `count` characters from `index` on, or of as many as there are.
    constexpr basic_string& replace(size_type index, size_type count, std::string_view text,
                                    Here where = Here::current()) {
        this->replace_at(panics, index, present(index, count, where), text);
        return *this;
    }
    constexpr basic_string& erase(size_type index = 0, size_type count = npos,
                                  Here where = Here::current()) {
        this->replace_at(panics, index, present(index, count, where), {});
        return *this;
    }
    /// Of that size: the last characters go, or `letter`s come.
    constexpr void resize(size_type count, char letter = '\0') {
        [[maybe_unused]] const auto done = resize_to(panics, count, letter);
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

    // --- changes that may find no memory; an error has changed nothing

    [[nodiscard]] constexpr Result<void> try_assign(std::string_view text)
        requires can_report
    {
        return this->replace_at(reports, 0, length(), text);
    }
    [[nodiscard]] constexpr Result<void> try_assign(size_type count, char letter)
        requires can_report
    {
        return this->fill_from(reports, 0, count, letter);
    }
    [[nodiscard]] constexpr Result<void> try_append(std::string_view text)
        requires can_report
    {
        return this->replace_at(reports, length(), 0, text);
    }
    [[nodiscard]] constexpr Result<void> try_append(size_type count, char letter)
        requires can_report
    {
        return this->fill_from(reports, length(), count, letter);
    }
    [[nodiscard]] constexpr Result<void> try_push_back(char letter)
        requires can_report
    {
        return push(reports, letter);
    }
    [[nodiscard]] constexpr Result<void> try_insert(size_type index, std::string_view text,
                                                    Here where = Here::current())
        requires can_report
    {
        return try_replace(index, 0, text, where);
    }
    [[nodiscard]] constexpr Result<void> try_replace(size_type index, size_type count,
                                                     std::string_view text,
                                                     Here where = Here::current())
        requires can_report
    {
        return this->replace_at(reports, index, present(index, count, where), text);
    }
    [[nodiscard]] constexpr Result<void> try_resize(size_type count, char letter = '\0')
        requires can_report
    {
        return resize_to(reports, count, letter);
    }
    [[nodiscard]] constexpr Result<void> try_reserve(size_type count)
        requires can_report
    {
        return this->reserve_at_least(reports, count);
    }

    // --- comparison, with whatever converts to std::string_view

    friend constexpr bool operator==(const basic_string& a, const basic_string& b) {
        return a.view() == b.view();
    }
    friend constexpr std::strong_ordering operator<=>(const basic_string& a,
                                                      const basic_string& b) {
        return a.view() <=> b.view();
    }
    template <std::convertible_to<std::string_view> Text>
    friend constexpr bool operator==(const basic_string& a, const Text& b) {
        return a.view() == std::string_view(b);
    }
    template <std::convertible_to<std::string_view> Text>
    friend constexpr std::strong_ordering operator<=>(const basic_string& a, const Text& b) {
        return a.view() <=> std::string_view(b);
    }

  private:
    constexpr Result<void> push(OnFailure failure, char letter) {
        if (length() == this->room()) [[unlikely]]
            return this->fill_from(failure, length(), 1, letter);
        Storage::put(text() + length(), letter);
        this->set_length(length() + 1);
        return {};
    }
    constexpr Result<void> resize_to(OnFailure failure, size_type count, char letter) {
        if (count > length()) return this->fill_from(failure, length(), count - length(), letter);
        this->set_length(count);
        return {};
    }
    /// How many of `count` characters from `index` on there are.
    constexpr size_type present(size_type index, size_type count, Here where) const {
        if (index > length()) [[unlikely]]
            panic_index("string", index, length(), where);
        return count < length() - index ? count : length() - index;
    }
    constexpr void check_index(size_type index, Here where) const {
        if (index >= length()) [[unlikely]]
            panic_index("string", index, length(), where);
    }
    constexpr void check_not_empty(const char* what, Here where) const {
        if (empty()) [[unlikely]]
            panic_empty("string", what, where);
    }
};

using string = basic_string<>;

template <class Allocator>
inline constexpr bool is_trivially_relocatable_v<basic_string<Allocator>> =
    is_trivially_relocatable_v<Allocator>;

}  // namespace cairn
