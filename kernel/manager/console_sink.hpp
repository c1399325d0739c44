// SPDX-License-Identifier: MIT
// What a guest's UART and debug console print, on the machine's console, byte for byte.
#pragma once

#include "kernel/dev/byte_sink.hpp"

namespace cairn {

[[nodiscard]] ByteSink& guest_console();

}  // namespace cairn
