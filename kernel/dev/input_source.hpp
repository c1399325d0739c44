// SPDX-License-Identifier: MIT
// Where the characters come from that an emulated console receives: the mirror of ByteSink. Who
// receives takes as many as there is room for; who sends keeps the rest, and says when there is
// something again.
//
//     source ── input_arrived() ──► receiver
//            ◄── take(), take() ──
//            ◄───── listen() ──────        all is taken: tell me of the next
#pragma once

#include <optional>

#include "kernel/arch/uart16550_character.hpp"

namespace cairn {

class InputReceiver {
  public:
    /// There may be something to take. May come on any hart, and more often than once.
    virtual void input_arrived() = 0;

  protected:
    ~InputReceiver() = default;
};

class InputSource {
  public:
    /// The next character, or nothing where there is none at the moment.
    [[nodiscard]] virtual std::optional<uart16550::Character> take() = 0;
    /// Has the receiver told of the next character: at once, where there is one.
    virtual void listen() = 0;

  protected:
    ~InputSource() = default;
};

}  // namespace cairn
