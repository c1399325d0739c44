// SPDX-License-Identifier: MIT
// Formats into strings: a Writer that appends to one, and `try_format`, which is std::format with
// an error where std's throws.
#pragma once

#include <string_view>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/format.hpp"
#include "cairn/string.hpp"
#include "cairn/writer.hpp"

namespace cairn {

/// Appends to a string that somebody else owns. From the first piece on for which there is no
/// memory nothing is added, so what is there is the beginning of what was written.
template <class Allocator>
class StringWriter final : public Writer {
  public:
    explicit StringWriter(basic_string<Allocator>& text) : text_(text) {}

    void write(std::string_view piece) override {
        if (result_) result_ = text_.try_append(piece);
    }
    /// Whether all of it is there.
    [[nodiscard]] std::expected<void, ContainerError> result() const { return result_; }

  private:
    basic_string<Allocator>& text_;
    std::expected<void, ContainerError> result_;
};

template <Formattable... Args>
[[nodiscard]] std::expected<string, ContainerError> try_format(FormatString<Args...> format,
                                                               const Args&... args) {
    std::expected<string, ContainerError> text;
    StringWriter writer(*text);
    format_to(writer, format, args...);
    if (const auto done = writer.result(); !done) text = std::unexpected(done.error());
    return text;
}

}  // namespace cairn
