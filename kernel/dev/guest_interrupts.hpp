// SPDX-License-Identifier: MIT
// What a guest's interrupt controller is to the rest of its VM: devices drive the wires into it, it
// drives one line of each hart, and it says how the guest's tree names its wires. A PLIC stands
// behind it, and an APLIC can: of contexts, domains or modes nobody else knows.
#pragma once

#include <cstdint>

#include "kernel/dev/interrupt_line.hpp"
#include "kernel/dev/tree_phandles.hpp"

namespace cairn {

class FdtWriter;

class GuestInterrupts {
  public:
    /// The wire into source `id`, 1 to as many as it has; it stays level-sensitive.
    [[nodiscard]] virtual InterruptLine& source(std::uint32_t id) = 0;
    /// Lets what is for the supervisor of hart `number` drive `line`, which is borrowed.
    virtual void connect_hart(std::uint32_t number, InterruptLine& line) = 0;
    /// Adds to a device's node that it drives source `id`.
    virtual void describe_source(FdtWriter& node, const TreePhandles& handles,
                                 std::uint32_t id) const = 0;

  protected:
    ~GuestInterrupts() = default;
};

}  // namespace cairn
