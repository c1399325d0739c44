// SPDX-License-Identifier: MIT
// Fails on purpose, so that tests can read the report (boot option crash=HOW).
#pragma once

#include "kernel/host/boot/boot_options.hpp"

namespace cairn {

[[noreturn]] void crash_deliberately(Crash how);

}  // namespace cairn
