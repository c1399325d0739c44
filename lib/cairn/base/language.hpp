// SPDX-License-Identifier: MIT
// What the headers need of the compiler, said in one sentence by one that has it not: an #include
// that is not there ends the compilation at once, and an #error does not. libc++ 16 has an
// std::expected that forgets, where its value ends in padding, that it has one.
//
// Headers that use std::expected include it by this one, so that the sentence comes first.
#pragma once

#if __cplusplus <= 202002L
#include <Cairn needs C++23: compile with -std=c++23>
#endif
#if (defined(__clang__) && __clang_major__ < 17) || (!defined(__clang__) && __GNUC__ < 12)
#include <Cairn needs a newer compiler: clang 17, GCC 12, or a later one>
#endif
#if __has_include(<version>)
#include <version>
#endif
#if !defined(__cpp_lib_expected)
#include <Cairn needs std::expected: with clang 17 or 18, that of libc++ (-stdlib=libc++)>
#endif
#include <expected>  // IWYU pragma: export
