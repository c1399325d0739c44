// SPDX-License-Identifier: MIT
// What a hosted C++ runtime would bring, for a program that has none (target builds only). Mostly
// symbols that the compiler and libc++'s headers refer to; the boot code calls these two. memcpy
// and its family are lib/cairn/base/memory.cpp's; memchr and strlen come from picolibc's libc.a,
// linked after us.
#pragma once

#include <cstdint>

namespace cairn {

/// Calls every function between `__init_array_start` and `__init_array_end` (the linker script's),
/// in link order. After `.bss` is zeroed and on one hart only. Destructors of globals never run.
void run_static_constructors();

/// Makes the stack protector's canary from `entropy`; until then it is a constant of the build. A
/// function that is running and has a canary in its frame must not return afterwards: call this
/// from one that never does, before other harts run C++.
void seed_stack_protector(std::uint64_t entropy);

}  // namespace cairn
