// SPDX-License-Identifier: MIT
// What `basic_string` lets be seen of its characters. No public interface: see
// lib/cairn/string.hpp.
#pragma once

#include <cstddef>
#include <source_location>
#include <string_view>
#include <utility>

#include "cairn/container/access.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/string/string_try.hpp"

namespace cairn {

template <class Allocator>
class StringAccess : public StringTryForms<Allocator>,
                     public ContiguousAccess<StringAccess<Allocator>, char> {
    using Core = StringTryForms<Allocator>;
    using Access = ContiguousAccess<StringAccess, char>;
    friend Access;
    static constexpr const char* container_name = "string";
    using Here = std::source_location;

  protected:
    using Core::Core, Core::chars;

  public:
    using traits_type = std::char_traits<char>;
    using size_type = std::size_t;
    static constexpr size_type npos = std::string_view::npos;

    using Core::length;
    [[nodiscard]] constexpr std::string_view view() const noexcept { return {chars(), length()}; }
    constexpr operator std::string_view() const noexcept { return view(); }  // NOLINT: implicit
    [[nodiscard]] constexpr char* data() noexcept { return chars(); }
    [[nodiscard]] constexpr const char* data() const noexcept { return chars(); }
    [[nodiscard]] constexpr const char* c_str() const noexcept { return chars(); }

    /// That at size() is the NUL behind the text, which stays one.
    constexpr char& operator[](Index index) {
        return chars()[index.at == length() ? length() : this->valid(index)];
    }
    constexpr const char& operator[](Index index) const {
        return chars()[index.at == length() ? length() : this->valid(index)];
    }
    [[nodiscard]] constexpr size_type size() const noexcept { return length(); }
    [[nodiscard]] constexpr size_type capacity() const noexcept { return this->room(); }
    [[nodiscard]] constexpr size_type max_size() const noexcept { return this->maximum(); }

  protected:
    /// Where the first of two positions lies, and how many characters lie between them.
    constexpr std::pair<size_type, size_type> indices_of(const char* first, const char* last,
                                                         Here where) const {
        const size_type begin = this->index_of({first, where});
        const size_type end = this->index_of({last, where});
        if (begin > end) [[unlikely]]
            panic_position(container_name, where);
        return {begin, end - begin};
    }
};

}  // namespace cairn
