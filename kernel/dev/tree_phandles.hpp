// SPDX-License-Identifier: MIT
// The phandles of the guest's tree: how nodes of one file refer to nodes of another.
#pragma once

#include <cstdint>

namespace cairn {

struct TreePhandles {
    std::uint32_t cpus = 1;

    /// The interrupt controller of a hart, which is within the hart.
    [[nodiscard]] constexpr std::uint32_t hart(std::uint32_t number) const { return 1 + number; }
    /// Where devices' interrupts go.
    [[nodiscard]] constexpr std::uint32_t interrupt_controller() const { return 1 + cpus; }
    [[nodiscard]] constexpr std::uint32_t power_device() const { return 2 + cpus; }
};

}  // namespace cairn
