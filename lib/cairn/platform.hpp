// SPDX-License-Identifier: MIT
// What lib/ asks of the program it is linked into: functions that are resolved at link time. The
// kernel has its own (kernel/host/), a bare-metal consumer writes those that it needs (the linker
// says), and hosted programs link lib/cairn/hosted/host_platform.cpp. One more,
// `platform_init_heap`, stands in lib/cairn/region.hpp.
#pragma once

#include <cstddef>
#include <source_location>
#include <span>
#include <string_view>

#include "cairn/base/language.hpp"

namespace cairn {

/// Writes `text` to the console. Takes no lock that a panic could be holding and allocates nothing.
void platform_write(std::string_view text);

/// Ends the program after reporting `sentence`. Never returns, whatever state the program is in.
[[noreturn]] void platform_panic(std::string_view sentence, std::source_location where);

/// Fills `out` with bytes that nobody outside can guess. Asked for once, by the first hash_map.
void platform_random(std::span<std::byte> out);

}  // namespace cairn
