// SPDX-License-Identifier: MIT
// A line that is typed on a terminal: moving, deleting, a history, completion. Bytes go in; what
// the terminal is to show comes out; the line itself when it is finished. UTF-8 passes, but the
// cursor counts bytes. What a terminal answers to a guest's questions (titles, colours: OSC, DCS
// and their like of ECMA-48) is no key, whatever stands in it. Keys: arrows, Home, End, Delete,
// Backspace, Tab, and Ctrl with A E B F K U W L P N C as in other shells. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <cairn/string.hpp>
#include <cairn/writer.hpp>

namespace cairn {

/// Knows what a line may go on with.
class Completer {
  public:
    /// What completes the last word of `line`, as far as all candidates agree: the bytes to add;
    /// and where there are several, their names go to `choices`, separated by spaces.
    [[nodiscard]] virtual std::string_view complete(std::string_view line, Writer& choices) = 0;

  protected:
    ~Completer() = default;
};

class LineEditor {
  public:
    static constexpr std::size_t longest_line = 256;
    static constexpr std::size_t history_lines = 16;

    constexpr LineEditor(std::string_view prompt, Completer& completer)
        : prompt_(prompt), completer_(completer) {}
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    /// Shows the prompt and what has been typed so far.
    void show(Writer& terminal) const;
    /// Takes one byte. The line where it is finished (Enter); it is valid until the next call, and
    /// the next line begins.
    [[nodiscard]] std::optional<std::string_view> take(std::byte byte, Writer& terminal);

  private:
    enum class Escape : std::uint8_t { none, escape, bracket, text, text_end };
    using Line = FixedBuffer<longest_line>;

    void insert(char byte, Writer& terminal);
    void erase(std::size_t from, std::size_t to);
    void control(char byte, Writer& terminal);
    void sequence(char byte);
    void take_escaped(char byte, Writer& terminal);
    void recall(std::size_t which);
    void complete(Writer& terminal);
    void remember();
    [[nodiscard]] std::size_t word_start() const;
    [[nodiscard]] std::string_view text() const { return {line_.data(), size_}; }
    void set(std::string_view text);

    std::string_view prompt_;
    Completer& completer_;
    std::array<char, longest_line> line_{};
    std::size_t size_ = 0;
    std::size_t cursor_ = 0;
    Escape escape_ = Escape::none;
    char number_ = 0;
    bool after_return_ = false;  ///< a LF behind a CR is the same Enter
    std::array<std::array<char, longest_line>, history_lines> history_{};
    std::array<std::size_t, history_lines> history_sizes_{};
    std::size_t remembered_ = 0;  ///< lines ever put there
    std::size_t recalled_ = 0;    ///< how many lines back; 0: the line at hand
    std::array<char, longest_line> finished_{};
};

}  // namespace cairn
