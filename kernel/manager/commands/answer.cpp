// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/commands/answer.hpp"

#include <array>

#include <cairn/byte_size.hpp>
#include <cairn/print.hpp>
#include "kernel/manager/commands/json_text.hpp"

namespace cairn {
namespace {

constexpr unsigned cells_in_a_line = 3;
constexpr unsigned sheet_width = 14;

// ECMA-48, "Select Graphic Rendition".
constexpr std::string_view plain = "\x1b[0m";
constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view red = "\x1b[31m";

std::string_view colour_of(std::string_view state) {
    if (state == "running") return "\x1b[32m";
    if (state == "paused") return "\x1b[33m";
    return "\x1b[2m";
}

constexpr bool is_on_the_right(Look look) {
    return look == Look::number || look == Look::size || look == Look::tenths;
}

std::string_view title_of(const Column& column) {
    return column.title == nullptr ? column.name : column.title;
}

void write_tenths(Writer& out, std::uint64_t tenths) {
    print(out, "{}.{}", tenths / 10, tenths % 10);
}

void write_for_people(Writer& out, const Column& column, const Value& value) {
    if (!value.is_there()) return out.write("-");
    switch (column.look) {
        case Look::text:
        case Look::state: return out.write(value.text());
        case Look::number: return print(out, "{}", value.number());
        case Look::ordinal: return print(out, "#{}", value.number());
        case Look::size: return print(out, "{}", ByteSize{value.number()});
        case Look::address: return print(out, "{:#018x}", value.number());
        case Look::tenths: return write_tenths(out, value.number());
        case Look::flag: return out.write(value.number() != 0 ? "yes" : "no");
        case Look::mark: return out.write(value.number() != 0 ? "*" : " ");
    }
}

void write_for_programs(Writer& out, const Column& column, const Value& value) {
    if (!value.is_there()) return out.write("null");
    switch (column.look) {
        case Look::text:
        case Look::state: return write_json_string(out, value.text());
        case Look::number:
        case Look::ordinal:
        case Look::size: return print(out, "{}", value.number());
        case Look::address: return print(out, "\"{:#x}\"", value.number());
        case Look::tenths: return write_tenths(out, value.number());
        case Look::flag:
        case Look::mark: return out.write(value.number() != 0 ? "true" : "false");
    }
}

constexpr std::array<Column, 2> error_columns{{{"subject"}, {"message"}}};
constexpr RecordKind error_kind{"error", Arrangement::lines, error_columns};
constexpr std::array<Column, 2> end_columns{{{"command"}, {"ok", Look::flag}}};
constexpr RecordKind end_kind{"end", Arrangement::lines, end_columns};

}  // namespace

void Answer::show(const RecordKind& kind, std::initializer_list<Value> values) {
    const std::span<const Value> all(values.begin(), values.size());
    if (style_.json) return show_json(kind, all);
    const bool is_new = last_ != kind.columns.data();
    if (is_new) end_cells();
    if (is_new && kind.arrangement == Arrangement::table) show_titles(kind);
    last_ = kind.columns.data();
    switch (kind.arrangement) {
        case Arrangement::table:
        case Arrangement::lines: show_line(kind, all); return out_.write("\n");
        case Arrangement::sheet: return show_sheet(kind, all);
        case Arrangement::cells:
            show_line(kind, all);
            if (++cells_ == cells_in_a_line) end_cells();
            return;
    }
}

void Answer::show_json(const RecordKind& kind, std::span<const Value> values) {
    out_.write("{\"kind\":");
    write_json_string(out_, kind.name);
    for (std::size_t i = 0; i < kind.columns.size(); ++i) {
        out_.write(",");
        write_json_string(out_, kind.columns[i].name);
        out_.write(":");
        write_for_programs(out_, kind.columns[i], i < values.size() ? values[i] : std::nullopt);
    }
    out_.write("}\n");
}

void Answer::show_titles(const RecordKind& kind) {
    if (style_.colour) out_.write(bold);
    for (const Column& column : kind.columns) {
        const std::string_view title = column.look == Look::mark ? "" : title_of(column);
        const bool is_last = &column == &kind.columns.back();
        if (is_on_the_right(column.look)) {
            print(out_, "  {:>{}}", title, column.width);
        } else {
            print(out_, "  {:{}}", title, is_last ? 0 : column.width);
        }
    }
    if (style_.colour) out_.write(plain);
    out_.write("\n");
}

void Answer::show_line(const RecordKind& kind, std::span<const Value> values) {
    for (std::size_t i = 0; i < kind.columns.size(); ++i) {
        const Value value = i < values.size() ? values[i] : std::nullopt;
        show_cell(kind.columns[i], value, i + 1 == kind.columns.size());
    }
}

/// Texts of the guest or the archive are as long as they are.
void Answer::show_cell(const Column& column, const Value& value, bool is_last) {
    FixedBuffer<32> number;
    std::string_view shown;
    const bool is_text = column.look == Look::text || column.look == Look::state;
    if (is_text && value.is_there()) {
        shown = value.text();
    } else {
        write_for_people(number, column, value);
        shown = number.view();
    }
    const bool coloured = style_.colour && column.look == Look::state;
    out_.write("  ");
    if (coloured) out_.write(colour_of(shown));
    if (is_on_the_right(column.look)) {
        print(out_, "{:>{}}", shown, column.width);
    } else {
        print(out_, "{:{}}", shown, is_last ? 0 : column.width);
    }
    if (coloured) out_.write(plain);
}

void Answer::show_sheet(const RecordKind& kind, std::span<const Value> values) {
    for (std::size_t i = 0; i < kind.columns.size(); ++i) {
        const Column& column = kind.columns[i];
        print(out_, "  {:{}}", title_of(column), sheet_width);
        write_for_people(out_, column, i < values.size() ? values[i] : std::nullopt);
        out_.write("\n");
    }
}

void Answer::end_cells() {
    if (cells_ != 0) out_.write("\n");
    cells_ = 0;
}

void Answer::refuse(std::string_view subject, std::string_view reason) {
    has_failed_ = true;
    if (style_.json) return show(error_kind, {subject, reason});
    end_cells();
    if (style_.colour) out_.write(red);
    if (!subject.empty()) print(out_, "{}: ", subject);
    out_.write(reason);
    if (style_.colour) out_.write(plain);
    out_.write("\n");
}

void Answer::remark(std::string_view text) {
    if (style_.json) return;
    end_cells();
    println(out_, "{}", text);
}

void Answer::finish(std::string_view command) {
    end_cells();
    if (style_.json) show(end_kind, {command, static_cast<unsigned>(!has_failed_)});
}

}  // namespace cairn
