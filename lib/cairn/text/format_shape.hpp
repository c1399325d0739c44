// SPDX-License-Identifier: MIT
// What the formatter knows about the type of an argument: a FormatShape, one constant per type.
// Formatting itself is not a template. An argument is a shape and a value; a range's shape holds
// the shape of its elements and a function that walks it, so printing one more type of range costs
// one loop. The same shapes serve the check of format strings at compile time.
//
//     vector<pair<int, char>>   sequence ──element──► tuple (is_pair; walks an integer, a
//     character)
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <string_view>
#include <type_traits>
#include <utility>

#include "cairn/writer.hpp"

namespace cairn {

enum class FormatKind : std::uint8_t {
    boolean,
    character,
    signed_integer,
    unsigned_integer,
    pointer,
    text,
    name,      ///< of an enumerator: a text that is never quoted
    user,      ///< has a `format_value(Writer&, const T&)`
    tuple,     ///< (a, b)
    sequence,  ///< [a, b]
    set,       ///< {a, b}
    map,       ///< {a: b, c: d}
};

[[nodiscard]] constexpr bool is_range_kind(FormatKind kind) {
    return kind >= FormatKind::sequence;
}
[[nodiscard]] constexpr bool is_integer_kind(FormatKind kind) {
    return kind == FormatKind::signed_integer || kind == FormatKind::unsigned_integer;
}
/// Whether it is quoted and escaped as an element of a range or tuple.
[[nodiscard]] constexpr bool is_quoted_kind(FormatKind kind) {
    return kind == FormatKind::character || kind == FormatKind::text;
}

/// Borrows everything but numbers: as long as the argument lives.
union FormatValue {
    std::uint64_t number;   ///< integers (sign-extended), bool, char, pointers
    std::string_view text;  ///< strings and names
    const void* object;     ///< user types, ranges, tuples
};

struct FormatShape;

/// Takes the elements of a range or tuple, one after the other.
class FormatElements {
  public:
    virtual void element(const FormatShape& shape, FormatValue value) = 0;

  protected:
    ~FormatElements() = default;
};

struct FormatShape {
    FormatKind kind;
    bool is_pair = false;                                                  ///< a tuple of two
    const FormatShape* element = nullptr;                                  ///< of a range
    void (*walk)(const void* object, FormatElements& elements) = nullptr;  ///< ranges and tuples
    void (*write)(const void* object, Writer& writer) = nullptr;           ///< user types
};

namespace format_detail {

template <class T>
concept Integer =
    std::integral<T> && sizeof(T) <= sizeof(std::uint64_t) && !std::same_as<T, bool> &&
    !std::same_as<T, char> && !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
    !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <class T>
concept Pointer =
    std::same_as<T, void*> || std::same_as<T, const void*> || std::same_as<T, std::nullptr_t>;

template <class T>
concept CharArray = std::is_bounded_array_v<T> && std::same_as<std::remove_extent_t<T>, char>;

template <class T>
concept CharPointer = std::same_as<T, char*> || std::same_as<T, const char*>;

template <class T>
concept User = (std::is_class_v<T> || std::is_union_v<T> || std::is_enum_v<T>) &&
               requires(Writer& writer, const T& value) { format_value(writer, value); };

template <class T>
concept String =
    !User<T> && (CharArray<T> || CharPointer<T> ||
                 (std::is_class_v<T> && std::convertible_to<const T&, std::string_view>));

template <class T>
concept BorrowedText = std::same_as<T, std::string_view> || std::same_as<T, const char*>;

template <class T>
concept HasFormatName = std::is_enum_v<T> && !User<T> && requires(T value) {
    { format_name(value) } -> BorrowedText;
};
template <class T>
concept HasToString = std::is_enum_v<T> && !User<T> && requires(T value) {
    { to_string(value) } -> BorrowedText;
};
template <class T>
concept Named = HasFormatName<T> || HasToString<T>;

template <class T>
concept PlainEnum = std::is_enum_v<T> && !User<T> && !Named<T>;

template <class T>
concept RangeLike = !User<T> && !String<T> && std::ranges::input_range<const T>;

template <class T>
concept TupleLike = !User<T> && !String<T> && !RangeLike<T> && requires {
    { std::tuple_size<T>::value } -> std::convertible_to<std::size_t>;
};

/// What a range gives; numbers by their own type, where a range gives a proxy (vector<bool>).
template <class T>
using Element = std::conditional_t<std::is_arithmetic_v<std::ranges::range_value_t<const T>>,
                                   std::ranges::range_value_t<const T>,
                                   std::remove_cvref_t<std::ranges::range_reference_t<const T>>>;

template <class T>
consteval bool is_formattable();

template <class T, std::size_t... i>
consteval bool all_formattable(std::index_sequence<i...>) {
    return (is_formattable<std::remove_cvref_t<std::tuple_element_t<i, T>>>() && ...);
}

template <class T>
consteval bool is_formattable() {
    if constexpr (RangeLike<T>) {
        return is_formattable<Element<T>>();
    } else if constexpr (TupleLike<T>) {
        return all_formattable<T>(std::make_index_sequence<std::tuple_size_v<T>>{});
    } else {
        return std::same_as<T, bool> || std::same_as<T, char> || Integer<T> || Pointer<T> ||
               String<T> || User<T> || Named<T> || PlainEnum<T>;
    }
}

}  // namespace format_detail

/// What can stand as an argument: bool, char, integers up to 64 bits, `void*`, whatever converts to
/// std::string_view, enumerations (by the std::string_view that an ADL `format_name(E)` or
/// `to_string(E)` returns, or else as their integer; so std::byte too), types with an ADL
/// `void format_value(Writer&, const T&)`, and const-iterable ranges, pairs and tuples of all
/// these.
template <class T>
concept Formattable = format_detail::is_formattable<std::remove_cvref_t<T>>();

namespace format_detail {

template <class T>
consteval FormatKind kind_of() {
    if constexpr (std::same_as<T, bool>) {
        return FormatKind::boolean;
    } else if constexpr (std::same_as<T, char>) {
        return FormatKind::character;
    } else if constexpr (PlainEnum<T>) {
        return kind_of<std::underlying_type_t<T>>();
    } else if constexpr (Integer<T>) {
        return std::signed_integral<T> ? FormatKind::signed_integer : FormatKind::unsigned_integer;
    } else if constexpr (Pointer<T>) {
        return FormatKind::pointer;
    } else if constexpr (User<T>) {
        return FormatKind::user;
    } else if constexpr (String<T>) {
        return FormatKind::text;
    } else if constexpr (Named<T>) {
        return FormatKind::name;
    } else if constexpr (TupleLike<T>) {
        return FormatKind::tuple;
    } else if constexpr (requires {
                             typename T::key_type;
                             typename T::mapped_type;
                         }) {
        return FormatKind::map;
    } else if constexpr (requires { typename T::key_type; }) {
        return FormatKind::set;
    } else {
        return FormatKind::sequence;
    }
}

template <class T>
[[nodiscard]] constexpr FormatValue value_of(const T& value) {
    if constexpr (Pointer<T>) {
        const void* const pointer = value;
        return {.number = reinterpret_cast<std::uintptr_t>(pointer)};
    } else if constexpr (CharPointer<T>) {
        return {.text = value == nullptr ? std::string_view("(null)") : std::string_view(value)};
    } else if constexpr (CharArray<T>) {
        const std::string_view all(value, std::extent_v<T>);
        return {.text = all.substr(0, all.find('\0'))};
    } else if constexpr (String<T>) {
        return {.text = value};
    } else if constexpr (HasFormatName<T>) {
        return {.text = format_name(value)};
    } else if constexpr (HasToString<T>) {
        return {.text = to_string(value)};
    } else if constexpr (PlainEnum<T>) {
        return value_of(std::to_underlying(value));
    } else if constexpr (std::same_as<T, char>) {
        return {.number = static_cast<unsigned char>(value)};
    } else if constexpr (std::integral<T>) {
        return {.number = static_cast<std::uint64_t>(value)};
    } else {
        return {.object = &value};
    }
}

template <class T>
consteval FormatShape make_shape();

template <FormatKind kind>
inline constexpr FormatShape scalar_shape{.kind = kind};
template <class T>
inline constexpr FormatShape compound_shape = make_shape<T>();

/// One shape for all types of one scalar kind.
template <class T>
consteval const FormatShape* shape_of() {
    constexpr FormatKind kind = kind_of<T>();
    if constexpr (kind < FormatKind::user) {
        return &scalar_shape<kind>;
    } else {
        return &compound_shape<T>;
    }
}

template <class T>
void walk_range(const void* object, FormatElements& elements) {
    for (const auto& element : *static_cast<const T*>(object)) {
        elements.element(*shape_of<Element<T>>(), value_of<Element<T>>(element));
    }
}

template <class T>
void walk_tuple(const void* object, FormatElements& elements) {
    const T& tuple = *static_cast<const T*>(object);
    [&]<std::size_t... i>(std::index_sequence<i...>) {
        using std::get;
        (elements.element(*shape_of<std::remove_cvref_t<std::tuple_element_t<i, T>>>(),
                          value_of<std::remove_cvref_t<std::tuple_element_t<i, T>>>(get<i>(tuple))),
         ...);
    }(std::make_index_sequence<std::tuple_size_v<T>>{});
}

template <class T>
void write_user(const void* object, Writer& writer) {
    format_value(writer, *static_cast<const T*>(object));
}

template <class T>
consteval FormatShape make_shape() {
    constexpr FormatKind kind = kind_of<T>();
    if constexpr (kind == FormatKind::user) {
        return {.kind = kind, .write = write_user<T>};
    } else if constexpr (kind == FormatKind::tuple) {
        return {.kind = kind, .is_pair = std::tuple_size_v<T> == 2, .walk = walk_tuple<T>};
    } else {
        return {.kind = kind, .element = shape_of<Element<T>>(), .walk = walk_range<T>};
    }
}

}  // namespace format_detail
}  // namespace cairn
