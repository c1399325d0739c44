// SPDX-License-Identifier: MIT
// Formatting by std::format's grammar (C++23), checked at compile time, into a Writer or a span. No
// allocation, no locks, no floating point, no exceptions: usable in a panic.
//
//     format_to(space, "{:#010x} {:?} {::02x}", 255, "a\n", bytes)   0x000000ff "a\n" [00, ff]
//
// What can be an argument says `Formattable` in lib/cairn/text/format_shape.hpp. A type of yours
// takes part by a function in its own namespace, which gets fill, align, width and precision from
// here:
//
//     void format_value(Writer& writer, const Colour& c) { print(writer, "#{:06x}", c.rgb); }
//
// Declare it with the type. It may be called twice for one field (to learn its width), so it must
// write the same each time.
// An enumeration takes part by `std::string_view to_string(E)`, or is its integer. Widths count
// code points of UTF-8, also where std counts two columns for one. A dynamic width or precision
// that is negative counts as none given; one of 2^31 or more is refused by a panic, as in the text
// it does not compile.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

#include "cairn/text/format_check.hpp"
#include "cairn/text/format_shape.hpp"
#include "cairn/writer.hpp"

namespace cairn {

/// The arguments of one call, type-erased; lives no longer than the call.
struct FormatArguments {
    std::span<const FormatShape* const> shapes;
    const FormatValue* values = nullptr;  ///< as many as shapes
};

/// Formats; `text` has been checked with these arguments' shapes. Of a text that has an error (not
/// checked), what stands before the error is written.
void vformat_to(Writer& writer, std::string_view text, const FormatArguments& arguments);

namespace format_detail {

template <class... Args>
inline constexpr std::array<const FormatShape*, sizeof...(Args)> shapes_of{
    shape_of<std::remove_cvref_t<Args>>()...};

/// Calls, in turn, the function that the error is named by: none of them is constexpr, so that the
/// compiler's message names it.
void unmatched_brace();
void argument_id_is_no_number();
void fewer_arguments_than_fields();
void automatic_and_manual_indices_mixed();
void unexpected_character_in_specification();
void number_too_large();
void dynamic_width_or_precision_is_no_integer();
void ranges_nested_too_deeply();
void presentation_type_not_for_this_argument();
void option_not_for_this_argument();

consteval void reject(FormatError error) {
    switch (error) {
        case FormatError::none: return;
        case FormatError::unmatched_brace: return unmatched_brace();
        case FormatError::bad_argument_id: return argument_id_is_no_number();
        case FormatError::missing_argument: return fewer_arguments_than_fields();
        case FormatError::mixed_indices: return automatic_and_manual_indices_mixed();
        case FormatError::bad_specification: return unexpected_character_in_specification();
        case FormatError::number_too_large: return number_too_large();
        case FormatError::dynamic_count_no_number:
            return dynamic_width_or_precision_is_no_integer();
        case FormatError::nested_too_deeply: return ranges_nested_too_deeply();
        case FormatError::type_not_for_argument: return presentation_type_not_for_this_argument();
        case FormatError::option_not_for_argument: return option_not_for_this_argument();
    }
}

/// Holds the values that FormatArguments refers to.
template <class... Args>
class ArgumentStore {
  public:
    explicit ArgumentStore(const Args&... args) : values_{value_of<Args>(args)...} {}

    [[nodiscard]] FormatArguments view() const { return {shapes_of<Args...>, values_.data()}; }

  private:
    std::array<FormatValue, sizeof...(Args)> values_;
};

}  // namespace format_detail

/// What is wrong with `text` as the format string of arguments of types `Args`.
template <Formattable... Args>
[[nodiscard]] constexpr FormatError format_error(std::string_view text) {
    return format_detail::check_format(text, format_detail::shapes_of<Args...>);
}

template <Formattable... Args>
[[nodiscard]] constexpr bool is_valid_format(std::string_view text) {
    return format_error<Args...>(text) == FormatError::none;
}

/// A format string that suits `Args`; any other does not compile.
template <class... Args>
class BasicFormatString {
  public:
    template <std::convertible_to<std::string_view> T>
    consteval BasicFormatString(const T& text) : text_(text) {
        format_detail::reject(format_error<Args...>(text_));
    }
    [[nodiscard]] constexpr std::string_view get() const { return text_; }

  private:
    std::string_view text_;
};
template <class... Args>
using FormatString = BasicFormatString<std::type_identity_t<Args>...>;

template <Formattable... Args>
void format_to(Writer& writer, FormatString<Args...> format, const Args&... args) {
    const format_detail::ArgumentStore<Args...> store(args...);
    vformat_to(writer, format.get(), store.view());
}

struct FormatResult {
    std::string_view text;   ///< the part of the span that was filled
    bool truncated = false;  ///< whether something did not fit
};

template <Formattable... Args>
FormatResult format_to(std::span<char> space, FormatString<Args...> format, const Args&... args) {
    SpanWriter writer(space);
    const format_detail::ArgumentStore<Args...> store(args...);
    vformat_to(writer, format.get(), store.view());
    return {writer.view(), writer.truncated()};
}

}  // namespace cairn
