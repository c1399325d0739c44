// SPDX-License-Identifier: MIT
// What becomes of a hart's `thread_local` cache when the hart is done. Threads of a hosted program
// end, and their caches with them (lib/cairn/hosted/host_thread_exit.cpp); a machine's harts do not
// (lib/cairn/base/runtime.cpp).
#pragma once

namespace cairn {

/// Calls `function(context)` when the calling thread ends.
void at_thread_exit(void (*function)(void* context), void* context);

}  // namespace cairn
