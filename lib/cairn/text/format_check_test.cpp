// SPDX-License-Identifier: MIT
#include "cairn/text/format_check.hpp"

#include <map>
#include <tuple>
#include <vector>

#include "cairn/format.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct Opaque {};
struct Point {};
[[maybe_unused]] void format_value(Writer&, const Point&) {}
enum class Named : std::uint8_t {};
[[maybe_unused]] constexpr std::string_view to_string(Named) {
    return "name";
}
enum class Unnamed : std::uint8_t {};

// What can be an argument at all.
static_assert(Formattable<int> && Formattable<char[4]> && Formattable<const char*>);
static_assert(Formattable<std::nullptr_t> && Formattable<void*> && Formattable<const void*>);
static_assert(Formattable<Point> && Formattable<Named> && Formattable<Unnamed>);
static_assert(Formattable<std::byte> && Formattable<std::string_view>);
static_assert(Formattable<std::vector<std::vector<Point>>>);
static_assert(Formattable<std::tuple<int, Point, std::vector<bool>>>);
static_assert(!Formattable<Opaque> && !Formattable<std::vector<Opaque>>);
static_assert(!Formattable<std::pair<int, Opaque>>);
static_assert(!Formattable<double> && !Formattable<float>);
static_assert(!Formattable<int*> && !Formattable<void (*)()>);
static_assert(!Formattable<wchar_t> && !Formattable<char32_t>);

// The compile-time check that a FormatString makes; each row would be an error at its call.
static_assert(is_valid_format<>("{{}}"));
static_assert(format_error<>("{}") == FormatError::missing_argument);
static_assert(format_error<int>("{1}") == FormatError::missing_argument);
static_assert(format_error<int>("{:{}}") == FormatError::missing_argument);
static_assert(format_error<int>("{") == FormatError::unmatched_brace);
static_assert(format_error<int>("}") == FormatError::unmatched_brace);
static_assert(format_error<int>("{:5") == FormatError::unmatched_brace);
static_assert(format_error<int>("{x}") == FormatError::bad_argument_id);
static_assert(format_error<int, int>("{}{0}") == FormatError::mixed_indices);
static_assert(format_error<int, int>("{0:{}}") == FormatError::mixed_indices);
static_assert(format_error<int>("{:5 }") == FormatError::bad_specification);
static_assert(format_error<int>("{:n}") == FormatError::type_not_for_argument);
static_assert(format_error<int>("{:99999999999}") == FormatError::number_too_large);
static_assert(format_error<int>("{:18446744073709551620}") == FormatError::number_too_large);
static_assert(format_error<int>("{:2147483648}") == FormatError::number_too_large);
static_assert(is_valid_format<int>("{:2147483647}"));
static_assert(format_error<const char*>("{:.2147483648}") == FormatError::number_too_large);
static_assert(format_error<int>("{4294967296}") == FormatError::number_too_large);
static_assert(format_error<int, bool>("{:{}}") == FormatError::dynamic_count_no_number);
static_assert(format_error<int>("{:q}") == FormatError::type_not_for_argument);
static_assert(format_error<int>("{:s}") == FormatError::type_not_for_argument);
static_assert(format_error<int>("{:f}") == FormatError::type_not_for_argument);
static_assert(format_error<int>("{:.3}") == FormatError::option_not_for_argument);
static_assert(format_error<char>("{:+}") == FormatError::option_not_for_argument);
static_assert(format_error<bool>("{:#}") == FormatError::option_not_for_argument);
static_assert(format_error<std::string_view>("{:d}") == FormatError::type_not_for_argument);
static_assert(format_error<const char*>("{:x}") == FormatError::type_not_for_argument);
static_assert(format_error<const char*>("{:08}") == FormatError::option_not_for_argument);
static_assert(format_error<void*>("{:x}") == FormatError::type_not_for_argument);
static_assert(format_error<Named>("{:x}") == FormatError::type_not_for_argument);
static_assert(format_error<Named>("{:?}") == FormatError::type_not_for_argument);
static_assert(is_valid_format<Named>("{:*^12s}") && is_valid_format<Unnamed>("{:#04x}"));
static_assert(format_error<Point>("{:x}") == FormatError::type_not_for_argument);
static_assert(is_valid_format<Point>("{:>12}"));
static_assert(is_valid_format<std::vector<char>>("{:?s}"));
static_assert(format_error<std::vector<int>>("{:s}") == FormatError::type_not_for_argument);
static_assert(format_error<std::vector<int>>("{:x}") == FormatError::type_not_for_argument);
static_assert(format_error<std::vector<int>>("{::s}") == FormatError::type_not_for_argument);
static_assert(format_error<std::vector<int>>("{:+}") == FormatError::option_not_for_argument);
static_assert(format_error<std::vector<char>>("{:ns}") == FormatError::option_not_for_argument);
static_assert(is_valid_format<std::pair<int, int>>("{:m}"));
static_assert(format_error<std::tuple<int>>("{:m}") == FormatError::type_not_for_argument);

template <class T>
using Many = std::vector<std::vector<T>>;
static_assert(is_valid_format<Many<std::vector<int>>>("{:n:n:n:x}"));
static_assert(format_error<Many<Many<int>>>("{:::::x}") == FormatError::nested_too_deeply);

}  // namespace

TEST_CASE("the check says at run time what it says at compile time", "[format_check]") {
    CHECK(is_valid_format<int>("{:#x}"));
    CHECK(format_error<int>("{:q}") == FormatError::type_not_for_argument);
    CHECK(format_error<std::map<int, int>>("{:q}") == FormatError::type_not_for_argument);
}
