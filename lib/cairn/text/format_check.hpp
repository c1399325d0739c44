// SPDX-License-Identifier: MIT
// Which options suit which argument: the check of a format string that its arguments' shapes allow.
// Runs at compile time only; lib/cairn/format.hpp makes a failed check a compile error.
#pragma once

#include <string_view>

#include "cairn/text/format_spec.hpp"

namespace cairn::format_detail {

[[nodiscard]] constexpr bool is_one_of(char type, std::string_view types) {
    return types.contains(type);
}
[[nodiscard]] constexpr bool has_number_options(const FormatSpec& spec) {
    return spec.has_sign || spec.alternate || spec.zero;
}

/// Kinds that may be shown as a number or as text; `text_types` are those that ask for text.
[[nodiscard]] constexpr FormatError check_number(const FormatSpec& spec,
                                                 std::string_view text_types, bool text_by_default,
                                                 bool may_debug) {
    if (spec.precision.given()) return FormatError::option_not_for_argument;
    if (spec.debug) {
        if (!may_debug || spec.type != 0) return FormatError::type_not_for_argument;
    }
    const bool as_text = spec.type == 0 ? text_by_default : is_one_of(spec.type, text_types);
    if (as_text) {
        return has_number_options(spec) ? FormatError::option_not_for_argument : FormatError::none;
    }
    const bool known = spec.type == 0 || is_one_of(spec.type, "bBdoxX");
    return known ? FormatError::none : FormatError::type_not_for_argument;
}

[[nodiscard]] constexpr FormatError check_pointer(const FormatSpec& spec) {
    if (spec.debug || (spec.type != 0 && !is_one_of(spec.type, "pP"))) {
        return FormatError::type_not_for_argument;
    }
    const bool wrong = spec.has_sign || spec.alternate || spec.precision.given();
    return wrong ? FormatError::option_not_for_argument : FormatError::none;
}

[[nodiscard]] constexpr FormatError check_text(const FormatSpec& spec, bool may_have_type,
                                               bool may_debug) {
    if (has_number_options(spec)) return FormatError::option_not_for_argument;
    if (spec.debug && (!may_debug || spec.type != 0)) return FormatError::type_not_for_argument;
    const bool known = spec.type == 0 || (may_have_type && spec.type == 's');
    return known ? FormatError::none : FormatError::type_not_for_argument;
}

[[nodiscard]] constexpr FormatError check_tuple(const FormatSpec& spec, bool is_pair) {
    if (has_number_options(spec) || spec.precision.given() || (spec.bare && spec.type != 0)) {
        return FormatError::option_not_for_argument;
    }
    if (spec.debug) return FormatError::type_not_for_argument;
    const bool known = spec.type == 0 || (spec.type == 'm' && is_pair);
    return known ? FormatError::none : FormatError::type_not_for_argument;
}

[[nodiscard]] constexpr FormatError check_range(const FormatSpec& spec,
                                                const FormatShape& element) {
    if (has_number_options(spec) || spec.precision.given()) {
        return FormatError::option_not_for_argument;
    }
    if (spec.type == 's') {
        if (element.kind != FormatKind::character) return FormatError::type_not_for_argument;
        const bool wrong = spec.bare || spec.has_element;
        return wrong ? FormatError::option_not_for_argument : FormatError::none;
    }
    if (spec.debug) return FormatError::type_not_for_argument;
    const bool known = spec.type == 0 || (spec.type == 'm' && element.is_pair);
    return known ? FormatError::none : FormatError::type_not_for_argument;
}

[[nodiscard]] constexpr FormatError check_level(const FormatSpec& spec, const FormatShape& shape) {
    switch (shape.kind) {
        case FormatKind::boolean: return check_number(spec, "s", true, false);
        case FormatKind::character: return check_number(spec, "c", true, true);
        case FormatKind::signed_integer:
        case FormatKind::unsigned_integer: return check_number(spec, "c", false, false);
        case FormatKind::pointer: return check_pointer(spec);
        case FormatKind::text: return check_text(spec, true, true);
        case FormatKind::name: return check_text(spec, true, false);
        case FormatKind::user: return check_text(spec, false, false);
        case FormatKind::tuple: return check_tuple(spec, shape.is_pair);
        case FormatKind::sequence:
        case FormatKind::set:
        case FormatKind::map: return check_range(spec, *shape.element);
    }
    return FormatError::type_not_for_argument;
}

/// A sink for FormatParser that prints nothing and objects to what does not suit.
struct FormatCheck {
    FormatParser::Shapes arguments;

    constexpr void literal(std::string_view) {}
    constexpr FormatError field(const FormatField& field) {
        const FormatShape* shape = arguments[field.argument];
        for (const FormatSpec& spec : field.levels) {
            const FormatError error = check_level(spec, *shape);
            if (error != FormatError::none || !spec.has_element) return error;
            shape = shape->element;
        }
        return FormatError::none;
    }
};

[[nodiscard]] constexpr FormatError check_format(std::string_view text,
                                                 FormatParser::Shapes arguments) {
    FormatCheck check{arguments};
    return FormatParser(text, arguments).run(check);
}

}  // namespace cairn::format_detail
