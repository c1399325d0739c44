// SPDX-License-Identifier: MIT
// What `basic_string` lets be seen of its characters: one by one, checked, and by iterators, which
// are pointers. No public interface: see lib/cairn/string.hpp.
#pragma once

#include <cstddef>
#include <iterator>
#include <source_location>
#include <string_view>
#include <utility>

#include "cairn/container/container_error.hpp"
#include "cairn/container/position.hpp"
#include "cairn/container/string/string_try.hpp"

namespace cairn {

template <class Allocator>
class StringAccess : public StringTryForms<Allocator> {
    using Core = StringTryForms<Allocator>;
    using Here = std::source_location;

  protected:
    using Core::Core, Core::chars;

  public:
    using traits_type = std::char_traits<char>;
    using value_type = char;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = char&;
    using const_reference = const char&;
    using pointer = char*;
    using const_pointer = const char*;
    using iterator = char*;
    using const_iterator = const char*;
    using reverse_iterator = std::reverse_iterator<iterator>;
    using const_reverse_iterator = std::reverse_iterator<const_iterator>;
    static constexpr size_type npos = std::string_view::npos;

    using Core::length;
    [[nodiscard]] constexpr std::string_view view() const noexcept { return {chars(), length()}; }
    constexpr operator std::string_view() const noexcept { return view(); }  // NOLINT: implicit
    [[nodiscard]] constexpr char* data() noexcept { return chars(); }
    [[nodiscard]] constexpr const char* data() const noexcept { return chars(); }
    [[nodiscard]] constexpr const char* c_str() const noexcept { return chars(); }

    /// That at size() is the NUL behind the text, which stays one.
    constexpr char& operator[](Index index) {
        check_index(index.at, length() + 1, index.where);
        return chars()[index.at];
    }
    constexpr const char& operator[](Index index) const {
        check_index(index.at, length() + 1, index.where);
        return chars()[index.at];
    }
    /// Panics where std's throws.
    constexpr char& at(size_type index, Here where = Here::current()) {
        check_index(index, length(), where);
        return chars()[index];
    }
    constexpr const char& at(size_type index, Here where = Here::current()) const {
        check_index(index, length(), where);
        return chars()[index];
    }
    constexpr char& front(Here where = Here::current()) {
        check_not_empty("front()", where);
        return chars()[0];
    }
    constexpr const char& front(Here where = Here::current()) const {
        check_not_empty("front()", where);
        return chars()[0];
    }
    constexpr char& back(Here where = Here::current()) {
        check_not_empty("back()", where);
        return chars()[length() - 1];
    }
    constexpr const char& back(Here where = Here::current()) const {
        check_not_empty("back()", where);
        return chars()[length() - 1];
    }
    [[nodiscard]] constexpr iterator begin() noexcept { return chars(); }
    [[nodiscard]] constexpr iterator end() noexcept { return chars() + length(); }
    [[nodiscard]] constexpr const_iterator begin() const noexcept { return chars(); }
    [[nodiscard]] constexpr const_iterator end() const noexcept { return chars() + length(); }
    [[nodiscard]] constexpr const_iterator cbegin() const noexcept { return begin(); }
    [[nodiscard]] constexpr const_iterator cend() const noexcept { return end(); }
    [[nodiscard]] constexpr reverse_iterator rbegin() noexcept { return reverse_iterator(end()); }
    [[nodiscard]] constexpr reverse_iterator rend() noexcept { return reverse_iterator(begin()); }
    [[nodiscard]] constexpr const_reverse_iterator rbegin() const noexcept { return crbegin(); }
    [[nodiscard]] constexpr const_reverse_iterator rend() const noexcept { return crend(); }
    [[nodiscard]] constexpr const_reverse_iterator crbegin() const noexcept {
        return const_reverse_iterator(end());
    }
    [[nodiscard]] constexpr const_reverse_iterator crend() const noexcept {
        return const_reverse_iterator(begin());
    }

    [[nodiscard]] constexpr bool empty() const noexcept { return length() == 0; }
    [[nodiscard]] constexpr size_type size() const noexcept { return length(); }
    [[nodiscard]] constexpr size_type capacity() const noexcept { return this->room(); }
    [[nodiscard]] constexpr size_type max_size() const noexcept { return this->maximum(); }

  protected:
    constexpr size_type index_of(const char* position, Here where) const {
        if (position < chars() || position > chars() + length()) [[unlikely]]
            panic_position("string", where);
        return static_cast<size_type>(position - chars());
    }
    /// Where the first of two positions lies, and how many characters lie between them.
    constexpr std::pair<size_type, size_type> indices_of(const char* first, const char* last,
                                                         Here where) const {
        const size_type begin = index_of(first, where);
        const size_type end = index_of(last, where);
        if (begin > end) [[unlikely]]
            panic_position("string", where);
        return {begin, end - begin};
    }
    constexpr void check_index(size_type index, size_type limit, Here where) const {
        if (index >= limit) [[unlikely]]
            panic_index("string", index, length(), where);
    }
    constexpr void check_not_empty(const char* what, Here where) const {
        if (empty()) [[unlikely]]
            panic_empty("string", what, where);
    }
};

}  // namespace cairn
