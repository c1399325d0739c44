# SPDX-License-Identifier: MIT
# What own_image.cpp finds in its image, and writes to: a function on a page of its own, and 4 MiB of
# words that all differ. Most of it lies in chunks of 2 MiB that hold nothing but the image.

    .section .data.own_image, "awx", @progbits
    .global own_image_answer
    .balign 4096
own_image_answer:                       # () -> 1, until it is written over
    .option push
    .option norvc
    li      a0, 1
    .option pop
    ret

    .global own_image_words
    .balign 4096
own_image_words:
    .set    n, 0
    .rept   4 << 20 >> 3
    .dword  n * 0x10001 + 1
    .set    n, n + 1
    .endr
