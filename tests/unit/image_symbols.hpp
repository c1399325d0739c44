// SPDX-License-Identifier: MIT
// The linker script's symbols for host programs: an image of four pages, with two pages
// of nobody's on either side. In one file of a program.
#pragma once

#include <cstdint>

inline constexpr std::uint64_t image_symbols_size = 0x4000;

asm(R"(
    .pushsection .bss
    .balign 4096
    .globl __image_start, __image_end, __heap, __heap_end
    .zero 0x2000
    __image_start:
    .zero 0x1000
    __image_end:
    .zero 0x1000
    __heap:
    .zero 0x2000
    __heap_end:
    .zero 0x2000
    .popsection
)");
