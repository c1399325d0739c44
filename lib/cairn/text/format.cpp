// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/format.hpp"

#include <cstdint>
#include <limits>

#include "cairn/escape.hpp"
#include "cairn/panic.hpp"

namespace cairn {
namespace {

using Levels = std::span<const FormatSpec>;

/// Of an argument that cannot be written as its field says.
void require_argument(bool fits, std::string_view sentence) {
    require(fits, sentence);
}

constexpr FormatSpec plain{};
constexpr FormatSpec quoted{.debug = true};
constexpr std::uint32_t no_limit = std::numeric_limits<std::uint32_t>::max();

/// Counts code points, and each byte that belongs to none, and passes no more than `limit` of them
/// on, if there is anywhere to pass to.
class Columns final : public Writer {
  public:
    Columns(Writer* writer, std::uint32_t limit) : writer_(writer), limit_(limit) {}

    void write(std::string_view text) override {
        std::size_t taken = 0;
        while (taken < text.size() && take(text[taken])) {
            ++taken;
        }
        if (writer_ != nullptr && taken != 0) writer_->write(text.substr(0, taken));
    }
    [[nodiscard]] std::uint32_t count() const { return count_; }

  private:
    bool take(char c) {
        const bool continues = (static_cast<unsigned char>(c) & 0xc0) == 0x80 && wanted_ != 0;
        if (continues) {
            --wanted_;
        } else if (count_ < limit_) {
            ++count_;
            wanted_ = utf8_length(c) - 1;
        } else {
            wanted_ = 0;
            return false;
        }
        return true;
    }

    Writer* writer_;
    std::uint32_t limit_;
    std::uint32_t count_ = 0;
    std::size_t wanted_ = 0;  ///< continuation bytes that the last code point may still have
};

struct Padding {
    std::size_t before, after;
};

Padding padding(const FormatSpec& spec, std::size_t columns, FormatAlign usual) {
    const std::size_t width = spec.width.given() ? spec.width.value : 0;
    const std::size_t free = width > columns ? width - columns : 0;
    switch (spec.align == FormatAlign::none ? usual : spec.align) {
        case FormatAlign::right: return {free, 0};
        case FormatAlign::center: return {free / 2, free - free / 2};
        case FormatAlign::left:
        case FormatAlign::none: break;
    }
    return {0, free};
}

void fill(Writer& writer, std::string_view text, std::size_t count) {
    for (; count != 0; --count) {
        writer.write(text);
    }
}

unsigned base_of(char type) {
    switch (type) {
        case 'b':
        case 'B': return 2;
        case 'o': return 8;
        case 'x':
        case 'X':
        case 'p':
        case 'P': return 16;
        default: return 10;
    }
}

/// Sign and base of a number, such as "-0x": at most three characters.
class Prefix {
  public:
    Prefix(const FormatSpec& spec, bool negative, bool zero) {
        if (negative) add('-');
        if (!negative && spec.sign == FormatSign::plus) add('+');
        if (!negative && spec.sign == FormatSign::space) add(' ');
        const unsigned base = base_of(spec.type);
        if (!spec.alternate || base == 10 || (base == 8 && zero)) return;
        add('0');
        if (base != 8) add(spec.type == 'p' ? 'x' : spec.type == 'P' ? 'X' : spec.type);
    }
    [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }

  private:
    void add(char c) { text_[size_++] = c; }

    std::array<char, 3> text_{};
    std::size_t size_ = 0;
};

void write_integer(Writer& writer, std::uint64_t magnitude, bool negative, const FormatSpec& spec) {
    const bool capital = spec.type == 'X' || spec.type == 'P';
    const char* const symbols = capital ? "0123456789ABCDEF" : "0123456789abcdef";
    const Prefix prefix(spec, negative, magnitude == 0);
    const unsigned base = base_of(spec.type);
    std::array<char, 64> digits;
    std::size_t at = digits.size();
    do {
        digits[--at] = symbols[magnitude % base];
        magnitude /= base;
    } while (magnitude != 0);
    const std::string_view number{digits.data() + at, digits.size() - at};

    Padding pad = padding(spec, prefix.view().size() + number.size(), FormatAlign::right);
    if (!spec.zero) fill(writer, spec.fill(), pad.before);
    writer.write(prefix.view());
    if (spec.zero) fill(writer, "0", pad.before);
    writer.write(number);
    fill(writer, spec.fill(), pad.after);
}

void write_value(Writer& writer, const FormatShape& shape, FormatValue value, Levels levels);

/// Writes the elements of a range or tuple with what stands between them.
class ElementWriter final : public FormatElements {
  public:
    /// Without `levels` each element has the form that its type has by itself.
    ElementWriter(Writer& writer, std::string_view separator, Levels levels)
        : writer_(writer), separator_(separator), levels_(levels) {}

    void element(const FormatShape& shape, FormatValue value) override {
        if (!first_) writer_.write(separator_);
        first_ = false;
        const FormatSpec& usual = is_quoted_kind(shape.kind) ? quoted : plain;
        write_value(writer_, shape, value, levels_.empty() ? Levels(&usual, 1) : levels_);
    }

  private:
    Writer& writer_;
    std::string_view separator_;
    Levels levels_;
    bool first_ = true;
};

/// Writes a range of characters as the string they make.
class StringWriter final : public FormatElements {
  public:
    StringWriter(Writer& writer, Escaper* escaper) : writer_(writer), escaper_(escaper) {}

    void element(const FormatShape&, FormatValue value) override {
        const auto c = static_cast<char>(value.number);
        if (escaper_ != nullptr) {
            escaper_->put(c);
        } else {
            writer_.write({&c, 1});
        }
    }

  private:
    Writer& writer_;
    Escaper* escaper_;
};

void write_quoted(Writer& writer, char quote, std::string_view text) {
    Escaper escaper(writer, quote);
    escaper.put(text);
    escaper.finish();
}

void write_as_string(Writer& writer, const FormatShape& shape, const void* object, bool debug) {
    if (debug) {
        Escaper escaper(writer, '"');
        StringWriter elements(writer, &escaper);
        shape.walk(object, elements);
        escaper.finish();
    } else {
        StringWriter elements(writer, nullptr);
        shape.walk(object, elements);
    }
}

void write_tuple(Writer& writer, const FormatShape& shape, const void* object,
                 const FormatSpec& spec) {
    const bool member = spec.type == 'm';
    const bool brackets = !member && !spec.bare;
    if (brackets) writer.write("(");
    ElementWriter elements(writer, member ? ": " : ", ", {});
    shape.walk(object, elements);
    if (brackets) writer.write(")");
}

void write_range(Writer& writer, const FormatShape& shape, const void* object, Levels levels) {
    const FormatSpec& spec = levels.front();
    if (spec.type == 's') return write_as_string(writer, shape, object, spec.debug);
    const bool pairs = spec.type == 'm' || shape.kind == FormatKind::map;
    const bool braces = pairs || shape.kind == FormatKind::set;
    FormatSpec element = spec.has_element ? levels[1] : plain;
    if (pairs) element.type = 'm';
    if (!spec.bare) writer.write(braces ? "{" : "[");
    Levels inner = spec.has_element ? levels.subspan(1) : Levels{};
    if (pairs) inner = Levels(&element, 1);
    ElementWriter elements(writer, ", ", inner);
    shape.walk(object, elements);
    if (!spec.bare) writer.write(braces ? "}" : "]");
}

/// Whether the number is one that a `char` can be, signed or not.
bool is_character(std::uint64_t number, FormatKind kind) {
    return number < 256 || (kind == FormatKind::signed_integer && number + 128 < 128);
}

/// Everything but numbers, without padding.
void write_bare(Writer& writer, const FormatShape& shape, FormatValue value, Levels levels) {
    const FormatSpec& spec = levels.front();
    const char c = static_cast<char>(value.number);
    switch (shape.kind) {
        case FormatKind::boolean: return writer.write(value.number != 0 ? "true" : "false");
        case FormatKind::character:
            return spec.debug ? write_quoted(writer, '\'', {&c, 1}) : writer.write({&c, 1});
        case FormatKind::signed_integer:
        case FormatKind::unsigned_integer:
            require_argument(is_character(value.number, shape.kind),
                             "format: {:c} of a number that is no character");
            return writer.write({&c, 1});
        case FormatKind::pointer: return;
        case FormatKind::text:
        case FormatKind::name:
            return spec.debug ? write_quoted(writer, '"', value.text) : writer.write(value.text);
        case FormatKind::user: return shape.write(value.object, writer);
        case FormatKind::tuple: return write_tuple(writer, shape, value.object, spec);
        case FormatKind::sequence:
        case FormatKind::set:
        case FormatKind::map: return write_range(writer, shape, value.object, levels);
    }
}

/// Everything but numbers. What is padded is written twice, the first time only to be measured.
void write_text(Writer& writer, const FormatShape& shape, FormatValue value, Levels levels) {
    const FormatSpec& spec = levels.front();
    if (!spec.width.given() && !spec.precision.given()) {
        return write_bare(writer, shape, value, levels);
    }
    const std::uint32_t limit = spec.precision.given() ? spec.precision.value : no_limit;
    Columns measure(nullptr, limit);
    write_bare(measure, shape, value, levels);
    const Padding pad = padding(spec, measure.count(), FormatAlign::left);
    fill(writer, spec.fill(), pad.before);
    Columns limited(&writer, limit);
    write_bare(limited, shape, value, levels);
    fill(writer, spec.fill(), pad.after);
}

bool is_number(FormatKind kind, const FormatSpec& spec) {
    switch (kind) {
        case FormatKind::boolean: return spec.type != 0 && spec.type != 's';
        case FormatKind::character: return spec.type != 0 && spec.type != 'c';
        case FormatKind::signed_integer:
        case FormatKind::unsigned_integer: return spec.type != 'c';
        default: return false;
    }
}

void write_value(Writer& writer, const FormatShape& shape, FormatValue value, Levels levels) {
    const FormatSpec& spec = levels.front();
    if (shape.kind == FormatKind::pointer) {
        FormatSpec hex = spec;
        hex.type = spec.type == 'P' ? 'P' : 'p';
        hex.alternate = true;
        return write_integer(writer, value.number, false, hex);
    }
    if (!is_number(shape.kind, spec)) return write_text(writer, shape, value, levels);
    const bool negative = shape.kind == FormatKind::signed_integer && value.number >> 63 != 0;
    write_integer(writer, negative ? 0 - value.number : value.number, negative, spec);
}

/// A sink for FormatParser.
struct FormatRun {
    Writer& writer;
    const FormatArguments& arguments;

    void literal(std::string_view text) const { writer.write(text); }

    FormatError field(FormatField& field) const {
        for (FormatSpec& spec : field.levels) {
            resolve(spec.width);
            resolve(spec.precision);
        }
        write_value(writer, *arguments.shapes[field.argument], arguments.values[field.argument],
                    field.levels);
        return FormatError::none;
    }

    /// Replaces a count that an argument holds by the count itself.
    void resolve(FormatCount& count) const {
        if (count.source != FormatCount::Source::argument) return;
        const std::uint64_t number = arguments.values[count.value].number;
        const bool negative =
            arguments.shapes[count.value]->kind == FormatKind::signed_integer && number >> 63 != 0;
        count.source = negative ? FormatCount::Source::none : FormatCount::Source::literal;
        require_argument(negative || number <= FormatCount::most,
                         "format: a width or precision of 2147483648 or more");
        count.value = static_cast<std::uint32_t>(number);
    }
};

}  // namespace

void vformat_to(Writer& writer, std::string_view text, const FormatArguments& arguments) {
    FormatRun run{writer, arguments};
    FormatParser(text, arguments.shapes).run(run);
}

}  // namespace cairn
