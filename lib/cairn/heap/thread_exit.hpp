// SPDX-License-Identifier: MIT
// What becomes of a hart's `thread_local` cache when the hart is done. Threads of a hosted program
// end, and their caches with them (lib/cairn/hosted/host_thread_exit.cpp); a machine's harts do not
// (lib/cairn/base/runtime.cpp), and have no code that closes one.
#pragma once

namespace cairn {

class HeapCache;

/// Has the calling thread's cache close when the thread ends.
void close_at_thread_exit(HeapCache& cache);
/// What is called then, for those who know no more of a cache than that.
void close_cache(HeapCache& cache);

}  // namespace cairn
