// SPDX-License-Identifier: MIT
// What the headers need of the compiler, said in one sentence by one that has it not: an #include
// that is not there ends the compilation at once, and an #error does not.
#pragma once

#if __cplusplus <= 202002L
#include <Cairn needs C++23: compile with -std=c++23>
#endif
#if (defined(__clang__) && __clang_major__ < 19) || (!defined(__clang__) && __GNUC__ < 14)
#include <Cairn needs a newer compiler: clang 19, or one as complete>
#endif
