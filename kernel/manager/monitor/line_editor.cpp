// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/monitor/line_editor.hpp"

#include <algorithm>

#include <cairn/print.hpp>

namespace cairn {
namespace {

constexpr char control_key(char letter) {
    return static_cast<char>(letter & 0x1f);
}
constexpr char backspace = '\x08';
constexpr char rubout = '\x7f';
constexpr char escape_character = '\x1b';
constexpr char bell = '\x07';
/// ECMA-48, "Control strings": DCS, SOS, OSC, PM, APC, which end with ESC \ or, on terminals, a
/// bell.
constexpr std::string_view control_strings = "PX]^_";
constexpr std::string_view erase_to_end = "\x1b[K";  // ECMA-48, EL
constexpr std::string_view clear_screen = "\x1b[H\x1b[2J";

}  // namespace

void LineEditor::set(std::string_view text) {
    size_ = std::min(text.size(), longest_line);
    std::ranges::copy(text.substr(0, size_), line_.begin());
    cursor_ = size_;
}

void LineEditor::show(Writer& terminal) const {
    print(terminal, "\r{}{}{}", prompt_, text(), erase_to_end);
    if (cursor_ != size_) print(terminal, "\x1b[{}D", size_ - cursor_);  // CUB
}

std::size_t LineEditor::word_start() const {
    std::size_t at = cursor_;
    while (at > 0 && line_[at - 1] == ' ')
        --at;
    while (at > 0 && line_[at - 1] != ' ')
        --at;
    return at;
}

void LineEditor::erase(std::size_t from, std::size_t to) {
    std::copy(line_.begin() + to, line_.begin() + size_, line_.begin() + from);
    size_ -= to - from;
    cursor_ = from;
}

/// At the end, the usual place, the terminal needs the byte alone.
void LineEditor::insert(char byte, Writer& terminal) {
    if (size_ == longest_line) return;
    std::copy_backward(line_.begin() + cursor_, line_.begin() + size_, line_.begin() + size_ + 1);
    line_[cursor_++] = byte;
    ++size_;
    if (cursor_ == size_) return terminal.write({&byte, 1});
    show(terminal);
}

/// Line 0 is what is being typed; it is forgotten when another is recalled.
void LineEditor::recall(std::size_t which) {
    if (which > std::min(remembered_, history_lines)) return;
    recalled_ = which;
    if (which == 0) return set({});
    const std::size_t slot = (remembered_ - which) % history_lines;
    set({history_[slot].data(), history_sizes_[slot]});
}

void LineEditor::remember() {
    if (size_ == 0) return;
    const std::size_t slot = remembered_++ % history_lines;
    history_[slot] = line_;
    history_sizes_[slot] = size_;
}

void LineEditor::complete(Writer& terminal) {
    FixedBuffer<512> choices;
    const std::string_view more = completer_.complete(text().substr(0, cursor_), choices);
    for (const char byte : more)
        insert(byte, terminal);
    if (more.empty() && !choices.view().empty()) print(terminal, "\n{}\n", choices.view());
}

void LineEditor::control(char byte, Writer& terminal) {
    switch (byte) {
        case control_key('a'): cursor_ = 0; break;
        case control_key('e'): cursor_ = size_; break;
        case control_key('b'): cursor_ -= cursor_ > 0 ? 1 : 0; break;
        case control_key('f'): cursor_ += cursor_ < size_ ? 1 : 0; break;
        case control_key('k'): size_ = cursor_; break;
        case control_key('u'): erase(0, cursor_); break;
        case control_key('w'): erase(word_start(), cursor_); break;
        case control_key('l'): terminal.write(clear_screen); break;
        case control_key('p'): recall(recalled_ + 1); break;
        case control_key('n'):
            if (recalled_ > 0) recall(recalled_ - 1);
            break;
        case control_key('c'):
            terminal.write("^C\n");
            set({});
            break;
        case '\t': complete(terminal); break;
        case backspace:
        case rubout:
            if (cursor_ > 0) erase(cursor_ - 1, cursor_);
            break;
        default: return;
    }
    show(terminal);
}

/// Behind ESC [ or ESC O.
void LineEditor::sequence(char byte) {
    switch (byte) {
        case 'A': return recall(recalled_ + 1);
        case 'B':
            if (recalled_ > 0) recall(recalled_ - 1);
            return;
        case 'C': cursor_ += cursor_ < size_ ? 1 : 0; return;
        case 'D': cursor_ -= cursor_ > 0 ? 1 : 0; return;
        case 'H': cursor_ = 0; return;
        case 'F': cursor_ = size_; return;
        case '~':
            if (number_ == '3' && cursor_ < size_) {
                const std::size_t at = cursor_;
                erase(at, at + 1);
            } else if (number_ == '1' || number_ == '7') {
                cursor_ = 0;
            } else if (number_ == '4' || number_ == '8') {
                cursor_ = size_;
            }
            return;
        default: return;
    }
}

/// Behind ESC.
void LineEditor::take_escaped(char byte, Writer& terminal) {
    switch (escape_) {
        case Escape::none: return;
        case Escape::escape:
            number_ = 0;
            escape_ = Escape::none;
            if (byte == '[' || byte == 'O') escape_ = Escape::bracket;
            if (control_strings.contains(byte)) escape_ = Escape::text;
            return;
        case Escape::bracket:
            if ((byte >= '0' && byte <= '9') || byte == ';') {
                if (number_ == 0) number_ = byte;
                return;
            }
            escape_ = Escape::none;
            sequence(byte);
            return show(terminal);
        case Escape::text:
            if (byte == escape_character) escape_ = Escape::text_end;
            if (byte == bell || byte == control_key('c')) escape_ = Escape::none;
            return;
        case Escape::text_end: escape_ = byte == '\\' ? Escape::none : Escape::text; return;
    }
}

std::optional<std::string_view> LineEditor::take(std::byte typed, Writer& terminal) {
    const char byte = static_cast<char>(typed);
    const bool second_half = std::exchange(after_return_, byte == '\r') && byte == '\n';
    if (second_half) return std::nullopt;
    if (escape_ != Escape::none) {
        take_escaped(byte, terminal);
        return std::nullopt;
    }
    if (byte == '\r' || byte == '\n') {
        remember();
        std::ranges::copy(text(), finished_.begin());
        const std::string_view line(finished_.data(), size_);
        set({});
        recalled_ = 0;
        terminal.write("\n");
        return line;
    }
    if (byte == escape_character) {
        escape_ = Escape::escape;
    } else if (static_cast<unsigned char>(byte) < ' ' || byte == rubout) {
        control(byte, terminal);
    } else {
        insert(byte, terminal);
    }
    return std::nullopt;
}

}  // namespace cairn
