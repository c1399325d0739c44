// SPDX-License-Identifier: MIT
// Where the bytes go that an emulated device transmits: a console, a log, a test.
#pragma once

#include <cstddef>
#include <span>

namespace cairn {

class ByteSink {
  public:
    /// Takes one byte; never refuses, never blocks the guest for long.
    virtual void put(std::byte byte) = 0;
    /// Takes them all, in order.
    virtual void put(std::span<const std::byte> bytes) {
        for (const std::byte byte : bytes)
            put(byte);
    }

  protected:
    ~ByteSink() = default;
};

}  // namespace cairn
