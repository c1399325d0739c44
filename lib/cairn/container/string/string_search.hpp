// SPDX-License-Identifier: MIT
// What `basic_string` is asked: the searches and comparisons of std::string, done by the
// std::string_view of its text. No public interface: see lib/cairn/string.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <source_location>
#include <string_view>

#include "cairn/container/container_error.hpp"

namespace cairn {

/// A text, or one character. No number serves as a character, and no null pointer as a text.
template <class T>
concept StringPiece = std::same_as<T, char> || std::convertible_to<const T&, std::string_view>;

template <class String>
class StringSearch {
    using Here = std::source_location;
    using Size = std::size_t;
    static constexpr Size npos = std::string_view::npos;
    using Braced = std::string_view;  // what {"abc", 2} is

    static constexpr char piece(char letter) noexcept { return letter; }
    static constexpr std::string_view piece(std::string_view text) noexcept { return text; }

    [[nodiscard]] constexpr const String& self() const { return static_cast<const String&>(*this); }

  public:
    template <StringPiece What = Braced>
    [[nodiscard]] constexpr Size find(const What& what, Size from = 0) const noexcept {
        return self().view().find(piece(what), from);
    }
    [[nodiscard]] constexpr Size find(const char* what, Size from, Size count) const noexcept {
        return self().view().find(what, from, count);
    }
    template <StringPiece What = Braced>
    [[nodiscard]] constexpr Size rfind(const What& what, Size from = npos) const noexcept {
        return self().view().rfind(piece(what), from);
    }
    [[nodiscard]] constexpr Size rfind(const char* what, Size from, Size count) const noexcept {
        return self().view().rfind(what, from, count);
    }
    template <StringPiece What = Braced>
    [[nodiscard]] constexpr Size find_first_of(const What& any, Size from = 0) const noexcept {
        return self().view().find_first_of(piece(any), from);
    }
    [[nodiscard]] constexpr Size find_first_of(const char* any, Size from,
                                               Size count) const noexcept {
        return self().view().find_first_of(any, from, count);
    }
    template <StringPiece What = Braced>
    [[nodiscard]] constexpr Size find_last_of(const What& any, Size from = npos) const noexcept {
        return self().view().find_last_of(piece(any), from);
    }
    [[nodiscard]] constexpr Size find_last_of(const char* any, Size from,
                                              Size count) const noexcept {
        return self().view().find_last_of(any, from, count);
    }
    template <StringPiece What = Braced>
    [[nodiscard]] constexpr Size find_first_not_of(const What& any, Size from = 0) const noexcept {
        return self().view().find_first_not_of(piece(any), from);
    }
    [[nodiscard]] constexpr Size find_first_not_of(const char* any, Size from,
                                                   Size count) const noexcept {
        return self().view().find_first_not_of(any, from, count);
    }
    template <StringPiece What = Braced>
    [[nodiscard]] constexpr Size find_last_not_of(const What& any,
                                                  Size from = npos) const noexcept {
        return self().view().find_last_not_of(piece(any), from);
    }
    [[nodiscard]] constexpr Size find_last_not_of(const char* any, Size from,
                                                  Size count) const noexcept {
        return self().view().find_last_not_of(any, from, count);
    }

    template <StringPiece What = Braced>
    [[nodiscard]] constexpr bool contains(const What& what) const noexcept {
        return self().view().find(piece(what)) != npos;
    }
    template <StringPiece What = Braced>
    [[nodiscard]] constexpr bool starts_with(const What& what) const noexcept {
        return self().view().starts_with(piece(what));
    }
    template <StringPiece What = Braced>
    [[nodiscard]] constexpr bool ends_with(const What& what) const noexcept {
        return self().view().ends_with(piece(what));
    }

    // --- comparison: less than 0, 0 or more. An index beyond the end panics.

    [[nodiscard]] constexpr int compare(std::string_view text) const noexcept {
        return self().view().compare(text);
    }
    [[nodiscard]] constexpr int compare(Size index, Size count, std::string_view text,
                                        Here where = Here::current()) const {
        return part(self().view(), index, count, where).compare(text);
    }
    [[nodiscard]] constexpr int compare(Size index, Size count, const char* text, Size length,
                                        Here where = Here::current()) const {
        return part(self().view(), index, count, where).compare(std::string_view(text, length));
    }
    [[nodiscard]] constexpr int compare(Size index, Size count, std::string_view text, Size from,
                                        Size length = npos, Here where = Here::current()) const {
        return part(self().view(), index, count, where).compare(part(text, from, length, where));
    }

  protected:
    /// The `count` characters of `text` from `index` on, or as many as there are.
    static constexpr std::string_view part(std::string_view text, Size index, Size count,
                                           Here where) {
        if (index > text.size()) [[unlikely]]
            panic_index("string", index, text.size(), where);
        return text.substr(index, count);
    }
};

}  // namespace cairn
