// SPDX-License-Identifier: MIT
// Text that a command has printed, shown a screen at a time: behind a full one it waits for a key.
// Enter brings one line more, q ends it, any other key brings the next screen. Pure.
#pragma once

#include <cstddef>

#include <cairn/string.hpp>
#include <cairn/writer.hpp>
#include "kernel/manager/commands/answer.hpp"

namespace cairn {

class Pager {
  public:
    /// Where commands put their text.
    [[nodiscard]] string& text() { return text_; }
    /// Whether there is text that nobody has seen.
    [[nodiscard]] bool is_waiting() const { return is_waiting_; }
    /// Shows the first screen, or all of it at once.
    void show(Writer& terminal, bool all = false);
    /// A key while it waits.
    void take(std::byte key, Writer& terminal);

  private:
    void show_lines(std::size_t lines, Writer& terminal);

    string text_;
    std::size_t shown_ = 0;  ///< of it
    bool is_waiting_ = false;
};

}  // namespace cairn
