// SPDX-License-Identifier: MIT
// The grammar of format strings: [format.string] and [format.range.formatter] of C++23, without
// floating point and locales ('L'). One constexpr parser serves the check at compile time and the
// run.
//
//     field    {  [argument id]  [: level [: level [: ...]]]  }      a level for each nested range
//     scalar   [[fill]align][sign][#][0][width][.precision][type]    type ? is a quoted string
//     range    [[fill]align][width][n][type]                         type m, s or ?s; fill no ':'
//     tuple    [[fill]align][width][n or m]                          fill no ':'
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/text/format_shape.hpp"

namespace cairn {

enum class FormatError : std::uint8_t {
    none,
    unmatched_brace,          ///< a '{' without '}', or a '}' that is not doubled
    bad_argument_id,          ///< neither a number nor empty
    missing_argument,         ///< there are not that many arguments
    mixed_indices,            ///< both {} and {0}
    bad_specification,        ///< something unexpected after the ':'
    number_too_large,         ///< a width, precision or argument id
    dynamic_count_no_number,  ///< the argument for {:{}} is not an integer
    nested_too_deeply,        ///< more levels than max_format_levels
    type_not_for_argument,    ///< {:x} for a string
    option_not_for_argument,  ///< {:+} for a string
};

enum class FormatAlign : std::uint8_t { none, left, center, right };
enum class FormatSign : std::uint8_t { minus, plus, space };

/// A width or precision.
struct FormatCount {
    enum class Source : std::uint8_t { none, literal, argument };
    static constexpr std::uint32_t most = std::numeric_limits<std::int32_t>::max();
    Source source = Source::none;
    std::uint32_t value = 0;  ///< the count itself, or the index of the argument that holds it

    [[nodiscard]] constexpr bool given() const { return source != Source::none; }
};

struct FormatSpec {
    std::array<char, 4> fill_bytes{' '};  ///< one code point in UTF-8
    std::uint8_t fill_size = 1;
    FormatAlign align = FormatAlign::none;
    FormatSign sign = FormatSign::minus;
    bool has_sign = false;
    bool alternate = false;    ///< '#'
    bool zero = false;         ///< '0', unless an alignment overrides it
    bool bare = false;         ///< 'n': without brackets
    bool debug = false;        ///< '?'
    char type = 0;             ///< 0 where none is given
    bool has_element = false;  ///< a level for the elements follows
    FormatCount width{};
    FormatCount precision{};

    [[nodiscard]] constexpr std::string_view fill() const { return {fill_bytes.data(), fill_size}; }
};

inline constexpr std::size_t max_format_levels = 4;

struct FormatField {
    std::uint32_t argument = 0;
    std::array<FormatSpec, max_format_levels> levels{};
};

/// The length in bytes of the UTF-8 sequence that `lead` starts, 1 where it starts none.
[[nodiscard]] constexpr std::size_t utf8_length(char lead) {
    const auto byte = static_cast<unsigned char>(lead);
    if (byte >= 0xf0 && byte < 0xf8) return 4;
    if (byte >= 0xe0) return byte < 0xf0 ? 3 : 1;
    return byte >= 0xc0 ? 2 : 1;
}

/// Walks a format string; gives a sink its text, `literal(std::string_view)`, and its fields,
/// `field(FormatField&)`, which returns a FormatError.
class FormatParser {
  public:
    using Shapes = std::span<const FormatShape* const>;

    constexpr FormatParser(std::string_view text, Shapes arguments)
        : text_(text), arguments_(arguments) {}

    template <class Sink>
    constexpr FormatError run(Sink& sink) {
        while (at_ < text_.size() && error_ == FormatError::none) {
            const std::size_t start = at_;
            while (at_ < text_.size() && text_[at_] != '{' && text_[at_] != '}') {
                ++at_;
            }
            if (at_ > start) sink.literal(text_.substr(start, at_ - start));
            if (at_ < text_.size()) brace(sink);
        }
        return error_;
    }

  private:
    enum class Indices : std::uint8_t { unknown, automatic, manual };

    template <class Sink>
    constexpr void brace(Sink& sink) {
        const char first = text_[at_++];
        if (accept(first)) {
            sink.literal(text_.substr(at_ - 1, 1));
        } else if (first == '}') {
            fail(FormatError::unmatched_brace);
        } else {
            FormatField field{};
            if (parse_field(field)) error_ = sink.field(field);
        }
    }

    [[nodiscard]] constexpr char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    constexpr bool accept(char wanted) {
        const bool found = at_ < text_.size() && text_[at_] == wanted;
        at_ += found ? 1 : 0;
        return found;
    }
    constexpr bool fail(FormatError error) {
        error_ = error;
        return false;
    }
    [[nodiscard]] static constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
    [[nodiscard]] static constexpr bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }

    constexpr bool parse_field(FormatField& field) {
        if (!argument_id(field.argument)) return false;
        if (accept(':') && !levels(field)) return false;
        if (accept('}')) return true;
        return fail(at_ == text_.size() ? FormatError::unmatched_brace
                                        : FormatError::bad_specification);
    }

    constexpr bool levels(FormatField& field) {
        const FormatShape* shape = arguments_[field.argument];
        for (std::size_t depth = 0; depth < max_format_levels; ++depth) {
            FormatSpec& spec = field.levels[depth];
            if (!parse_spec(spec, shape->kind)) return false;
            if (!is_range_kind(shape->kind) || !accept(':')) return true;
            spec.has_element = true;
            shape = shape->element;
        }
        return fail(FormatError::nested_too_deeply);
    }

    /// A number, or nothing: then the next argument.
    constexpr bool argument_id(std::uint32_t& id) {
        const bool manual = is_digit(peek());
        const Indices kind = manual ? Indices::manual : Indices::automatic;
        if (!manual && peek() != ':' && peek() != '}') {
            return fail(at_ == text_.size() ? FormatError::unmatched_brace
                                            : FormatError::bad_argument_id);
        }
        if (indices_ != Indices::unknown && indices_ != kind) {
            return fail(FormatError::mixed_indices);
        }
        indices_ = kind;
        if (!manual) {
            id = next_++;
        } else if (peek() == '0') {
            ++at_;  // no leading zeros: a further digit is unexpected
            id = 0;
        } else if (!number(id)) {
            return false;
        }
        return id < arguments_.size() || fail(FormatError::missing_argument);
    }

    constexpr bool number(std::uint32_t& value) {
        std::uint64_t sum = 0;
        while (is_digit(peek())) {
            sum = sum * 10 + static_cast<std::uint64_t>(text_[at_++] - '0');
            if (sum > FormatCount::most) return fail(FormatError::number_too_large);
        }
        value = static_cast<std::uint32_t>(sum);
        return true;
    }

    /// Nothing, a number, or the id of an argument in braces.
    constexpr bool count(FormatCount& count, bool may_be_zero) {
        if (is_digit(peek()) && (may_be_zero || peek() != '0')) {
            count.source = FormatCount::Source::literal;
            return number(count.value);
        }
        if (!accept('{')) return true;
        count.source = FormatCount::Source::argument;
        if (!argument_id(count.value)) return false;
        if (!is_integer_kind(arguments_[count.value]->kind)) {
            return fail(FormatError::dynamic_count_no_number);
        }
        return accept('}') || fail(FormatError::bad_specification);
    }

    [[nodiscard]] static constexpr FormatAlign align_of(char c) {
        switch (c) {
            case '<': return FormatAlign::left;
            case '^': return FormatAlign::center;
            case '>': return FormatAlign::right;
            default: return FormatAlign::none;
        }
    }

    constexpr void fill_and_align(FormatSpec& spec, bool colon_ends) {
        if (at_ == text_.size()) return;
        const char first = text_[at_];
        const std::size_t size = utf8_length(first);
        const bool may_fill = first != '{' && first != '}' && !(colon_ends && first == ':');
        if (may_fill && at_ + size < text_.size()) {
            spec.align = align_of(text_[at_ + size]);
            if (spec.align != FormatAlign::none) {
                for (std::size_t i = 0; i < size; ++i) {
                    spec.fill_bytes[i] = text_[at_ + i];
                }
                spec.fill_size = static_cast<std::uint8_t>(size);
                at_ += size + 1;
                return;
            }
        }
        spec.align = align_of(first);
        if (spec.align != FormatAlign::none) ++at_;
    }

    constexpr bool parse_spec(FormatSpec& spec, FormatKind kind) {
        fill_and_align(spec, kind >= FormatKind::tuple);
        spec.has_sign = peek() == '+' || peek() == '-' || peek() == ' ';
        if (accept('+')) {
            spec.sign = FormatSign::plus;
        } else if (accept(' ')) {
            spec.sign = FormatSign::space;
        } else {
            accept('-');
        }
        spec.alternate = accept('#');
        // Beside an alignment it is ignored, where it is allowed at all.
        spec.zero = accept('0') && (spec.align == FormatAlign::none || kind > FormatKind::pointer);
        if (!count(spec.width, false)) return false;
        if (accept('.')) {
            if (!count(spec.precision, true)) return false;
            if (!spec.precision.given()) return fail(FormatError::bad_specification);
        }
        spec.bare = kind >= FormatKind::tuple && accept('n');
        spec.debug = accept('?');
        if (is_letter(peek())) spec.type = text_[at_++];
        return true;
    }

    std::string_view text_;
    Shapes arguments_;
    std::size_t at_ = 0;
    std::uint32_t next_ = 0;
    Indices indices_ = Indices::unknown;
    FormatError error_ = FormatError::none;
};

}  // namespace cairn
