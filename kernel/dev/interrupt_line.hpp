// SPDX-License-Identifier: MIT
// One wire into an interrupt controller, or out of it: the only way a device raises an interrupt.
#pragma once

namespace cairn {

class InterruptLine {
  public:
    /// Drives the wire: true asserts it, false releases it. Idempotent.
    virtual void set(bool asserted) = 0;

  protected:
    ~InterruptLine() = default;
};

}  // namespace cairn
