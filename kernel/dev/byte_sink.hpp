// SPDX-License-Identifier: MIT
// Where the bytes go that an emulated device transmits: a console, a log, a test.
#pragma once

#include <cstddef>
#include <span>

namespace cairn {

class ByteSink {
  public:
    /// Takes one byte; never blocks the guest. Where the sink is about to be full, whoever is
    /// connected to it is told so meanwhile (InputReceiver::output_stops).
    virtual void put(std::byte byte) = 0;
    /// Takes as many as there is room for, from the first on, and says how many.
    [[nodiscard]] virtual std::size_t put(std::span<const std::byte> bytes) {
        for (const std::byte byte : bytes)
            put(byte);
        return bytes.size();
    }
    /// Whether there is room. Where there is not, whoever is connected is told once there is
    /// (InputReceiver::input_arrived).
    [[nodiscard]] virtual bool has_output_room() { return true; }

  protected:
    ~ByteSink() = default;
};

}  // namespace cairn
