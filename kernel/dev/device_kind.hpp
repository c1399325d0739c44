// SPDX-License-Identifier: MIT
// What all devices of a kind are called: in the guest's tree, and in the host's counts. A constant
// of each device's class.
#pragma once

#include <array>
#include <string_view>

namespace cairn {

struct DeviceKind {
    std::string_view name;  ///< in the counts of exits
    std::string_view node;  ///< of its nodes, before the '@'
    /// `compatible`, the most specific first; the empty ones are not there.
    std::array<std::string_view, 3> compatible;
    bool is_console = false;  ///< the guest's kernel may print its first words there
};

}  // namespace cairn
