// SPDX-License-Identifier: MIT
// What the files behind the global operator new share: new.cpp, or hardened_new.cpp in a build with
// CAIRN_HARDENED, whichever the program is linked with.
#pragma once

#include <cstddef>
#include <string_view>

#include "cairn/global_heap.hpp"

namespace cairn {

/// The calling hart's. Behind a name of its own, so that the quick paths reach it by one register.
extern constinit thread_local Heap::Cache hart_cache;

/// Called by `Heap::init`, once, when the heap is there.
void start_operators(std::string_view owner, FaultHook hook);

[[noreturn]] void panic_out_of_memory(std::size_t size, std::size_t alignment);

}  // namespace cairn
