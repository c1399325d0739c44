// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/monitor/pager.hpp"

#include <algorithm>

namespace cairn {
namespace {

constexpr std::string_view more = "-- more: space, Enter, or q --";
constexpr std::string_view erase_line = "\r\x1b[K";
constexpr std::byte end_of_text{3};  // Ctrl-C

}  // namespace

void Pager::show(Writer& terminal, bool all) {
    show_lines(all ? text_.size() : screen_lines, terminal);
}

void Pager::take(std::byte key, Writer& terminal) {
    terminal.write(erase_line);
    if (key == std::byte{'q'} || key == end_of_text) shown_ = text_.size();
    show_lines(key == std::byte{'\r'} ? 1 : screen_lines, terminal);
}

void Pager::show_lines(std::size_t lines, Writer& terminal) {
    std::string_view rest = std::string_view(text_).substr(shown_);
    for (; lines != 0 && !rest.empty(); --lines) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
        terminal.write(rest.substr(0, end));
        rest.remove_prefix(end);
    }
    shown_ = text_.size() - rest.size();
    is_waiting_ = !rest.empty();
    if (is_waiting_) return terminal.write(more);
    text_.clear();
    text_.shrink_to_fit();
    shown_ = 0;
}

}  // namespace cairn
