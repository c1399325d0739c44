// SPDX-License-Identifier: MIT
// How large a console is, as whoever looks at it says. It may change at any time; who has to know
// of that is told.
#pragma once

#include <atomic>

#include "kernel/arch/devices/virtio_console_ports.hpp"

namespace cairn {

/// 0 by 0: nobody knows it.
using ConsoleSize = std::atomic<virtio_console::Size>;

}  // namespace cairn
