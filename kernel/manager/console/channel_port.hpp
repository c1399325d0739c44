// SPDX-License-Identifier: MIT
// A way to the outside that is somebody's alone: a port of the machine's console devices, which is
// a socket or a terminal of whoever has the machine. Nobody waits for it. Any hart may call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cairn {

class ChannelPort {
  public:
    /// How often the other end was opened or closed: odd while it is open. What was sent before it
    /// was closed is not to be answered any more.
    [[nodiscard]] virtual std::uint32_t turns() = 0;
    [[nodiscard]] bool is_open() { return turns() % 2 != 0; }
    [[nodiscard]] virtual bool has_input() = 0;
    /// The next bytes that have come, and how many.
    [[nodiscard]] virtual std::size_t read(std::span<std::byte> to) = 0;
    /// How many of `from` there was room for: all, where it is not open. Where not for all, whoever
    /// has the port is asked again once there is more.
    [[nodiscard]] virtual std::size_t write(std::span<const std::byte> from) = 0;

    /// This end is open for a stream of bytes, or closed: then what was sent stays there. One of
    /// whose ends nobody says that is open, for questions and answers.
    virtual void set_open(bool /*open*/) {}

  protected:
    ~ChannelPort() = default;
};

}  // namespace cairn
