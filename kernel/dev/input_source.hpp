// SPDX-License-Identifier: MIT
// Where the characters come from that an emulated console receives: the mirror of ByteSink. Who
// receives takes as many as there is room for; who sends keeps the rest, and says when there is
// something again.
//
//     source ── input_arrived() ──► receiver
//            ◄── take(), take() ──        nothing left: then the next is told of
#pragma once

#include <optional>

#include "kernel/arch/devices/uart16550_character.hpp"

namespace cairn {

class InputReceiver {
  public:
    /// There may be something to take, or the sink of the same wire has room again. May come on any
    /// hart, and more often than once; never from within `take` or `put`.
    virtual void input_arrived() = 0;
    /// The sink of the same wire is about to be full: from within its `put`, on the same hart.
    virtual void output_stops() = 0;

  protected:
    ~InputReceiver() = default;
};

class InputSource {
  public:
    /// The next character. Where there is none, the receiver is told of the next that comes.
    [[nodiscard]] virtual std::optional<uart16550::Character> take() = 0;

  protected:
    ~InputSource() = default;
};

}  // namespace cairn
