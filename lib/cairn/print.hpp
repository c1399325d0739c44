// SPDX-License-Identifier: MIT
// print and println to the console (platform_write) or to a Writer, and the formatted panic. A line
// is gathered in a small buffer on the stack, so that it usually reaches the console in one piece.
// Grammar and arguments: lib/cairn/format.hpp.
#pragma once

#include <concepts>
#include <source_location>
#include <string_view>

#include "cairn/format.hpp"
#include "cairn/writer.hpp"

namespace cairn {

void vprint(std::string_view format, const FormatArguments& arguments);
void vprintln(std::string_view format, const FormatArguments& arguments);
[[noreturn]] void vpanic(std::string_view format, const FormatArguments& arguments,
                         std::source_location where);

template <Formattable... Args>
void print(FormatString<Args...> format, const Args&... args) {
    const format_detail::ArgumentStore<Args...> store(args...);
    vprint(format.get(), store.view());
}

template <Formattable... Args>
void println(FormatString<Args...> format, const Args&... args) {
    const format_detail::ArgumentStore<Args...> store(args...);
    vprintln(format.get(), store.view());
}

inline void println() {
    vprintln({}, {});
}

template <Formattable... Args>
void print(Writer& writer, FormatString<Args...> format, const Args&... args) {
    format_to(writer, format, args...);
}

template <Formattable... Args>
void println(Writer& writer, FormatString<Args...> format, const Args&... args) {
    format_to(writer, format, args...);
    writer.write("\n");
}

inline void println(Writer& writer) {
    writer.write("\n");
}

/// A format string that remembers where it was written.
template <class... Args>
class BasicPanicFormat {
  public:
    template <std::convertible_to<std::string_view> T>
    consteval BasicPanicFormat(const T& text,
                               std::source_location where = std::source_location::current())
        : format_(text), where_(where) {}
    [[nodiscard]] constexpr std::string_view get() const { return format_.get(); }
    [[nodiscard]] constexpr std::source_location where() const { return where_; }

  private:
    BasicFormatString<Args...> format_;
    std::source_location where_;
};
template <class... Args>
using PanicFormat = BasicPanicFormat<std::type_identity_t<Args>...>;

/// Panics with a sentence of at most 256 bytes; a longer one ends in "...".
template <Formattable... Args>
[[noreturn]] void panic_format(PanicFormat<Args...> format, const Args&... args) {
    const format_detail::ArgumentStore<Args...> store(args...);
    vpanic(format.get(), store.view(), format.where());
}

}  // namespace cairn
