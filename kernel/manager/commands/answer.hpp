// SPDX-License-Identifier: MIT
// What a command answers: records of a few kinds, described once and rendered twice. People get
// columns, programs one JSON object a line (docs/monitor.schema.json):
//
//     kind "vm": name, memory, state       name          memory  state
//     {"a", 8 MiB, "running"}         ──►  a              8 MiB  running
//                                     ──►  {"kind":"vm","name":"a","memory":8388608,...}
//
// Pure. No allocation of its own.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/writer.hpp>

namespace cairn {

/// What a terminal shows at once that says nothing of its size.
inline constexpr std::size_t screen_lines = 22;

/// How a value is shown.
enum class Look : std::uint8_t {
    text,     ///< as it is; in JSON a string
    state,    ///< the same, in a colour of its own
    number,   ///< decimal, on the right
    ordinal,  ///< the same behind #, on the left
    size,     ///< bytes; in JSON their number
    address,  ///< 0x and 16 digits; in JSON a string, for numbers there have 53 bits
    tenths,   ///< of one, with a point
    flag,     ///< yes or no
    mark,     ///< * or nothing
};

// Texts of the tables are addresses, not views: there are a hundred of them.
struct Column {
    const char* name;  ///< in JSON
    Look look = Look::text;
    std::uint8_t width = 0;       ///< for people; of a line's last column it does not matter
    const char* title = nullptr;  ///< for people; nullptr: the name
};

enum class Arrangement : std::uint8_t {
    table,  ///< a line each, below a line of titles
    lines,  ///< the same without titles
    sheet,  ///< a line for each value, behind its title
    cells,  ///< three in a line
};

struct RecordKind {
    const char* name;  ///< in JSON, as "kind"
    Arrangement arrangement = Arrangement::table;
    std::span<const Column> columns;
};

/// One value of a record; it lives no longer than the call that shows it.
class Value {
  public:
    constexpr Value(std::string_view text)
        : text_(text.data()), size_(static_cast<std::uint32_t>(text.size())) {}
    constexpr Value(const char* text) : Value(std::string_view(text)) {}
    constexpr Value(std::unsigned_integral auto number) : number_(number) {}
    constexpr Value(std::nullopt_t) : number_(0), size_(missing) {}
    template <class T>
    constexpr Value(const std::optional<T>& value) : Value(value ? Value(*value) : std::nullopt) {}

    [[nodiscard]] constexpr bool is_there() const { return size_ != missing; }
    /// Where it was made of a text.
    [[nodiscard]] constexpr std::string_view text() const { return {text_, size_}; }
    /// Where it was made of a number.
    [[nodiscard]] constexpr std::uint64_t number() const { return number_; }

  private:
    static constexpr std::uint32_t missing = ~std::uint32_t{0};

    union {
        const char* text_;
        std::uint64_t number_;
    };
    std::uint32_t size_ = 0;
};

class Answer {
  public:
    struct Style {
        bool json = false;
        bool colour = false;
    };

    Answer(Writer& out, const Style& style) : out_(out), style_(style) {}

    /// A value for each column of `kind`, in its order; what is missing is nothing.
    void show(const RecordKind& kind, std::initializer_list<Value> values);
    /// What was asked for cannot be: a sentence without a full stop, about `subject` if there is
    /// one.
    void refuse(std::string_view subject, std::string_view reason);
    /// A line for people alone.
    void remark(std::string_view text);
    /// Ends what has been begun. In JSON a last record says which `command` that was.
    void finish(std::string_view command);

  private:
    void show_json(const RecordKind& kind, std::span<const Value> values);
    void show_line(const RecordKind& kind, std::span<const Value> values);
    void show_sheet(const RecordKind& kind, std::span<const Value> values);
    void show_titles(const RecordKind& kind);
    void show_cell(const Column& column, const Value& value, bool is_last);
    void end_cells();

    Writer& out_;
    Style style_;
    bool has_failed_ = false;
    const Column* last_ = nullptr;  ///< the first column of the last record's kind
    unsigned cells_ = 0;            ///< in the line that has been begun
};

}  // namespace cairn
