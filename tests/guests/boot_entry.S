# SPDX-License-Identifier: MIT
# Runs before a Linux kernel: prints `boot-entry HEX`, the time at which the kernel is entered, then
# enters it. tools/boot_time.py appends this to a copy of the kernel's Image, has the header jump
# here, and fills in the last word. Position-independent, without stack; a0 and a1 are the kernel's.

    .text
    .global _start
_start:
    rdtime  s1
    mv      s2, a0
    mv      s3, a1
    li      a7, 1                       # legacy console_putchar: in every SBI
    lla     s4, text
1:  lbu     a0, 0(s4)
    beqz    a0, 2f
    ecall
    addi    s4, s4, 1
    j       1b
2:  li      s5, 60                      # the time, four bits at once
3:  srl     a0, s1, s5
    andi    a0, a0, 15
    li      t0, 10
    bltu    a0, t0, 4f
    addi    a0, a0, 'a' - '9' - 1
4:  addi    a0, a0, '0'
    ecall
    addi    s5, s5, -4
    bgez    s5, 3b
    li      a0, '\n'
    ecall
    mv      a0, s2
    mv      a1, s3
    lla     t0, kernel
    ld      t1, 0(t0)
    add     t0, t0, t1
    jr      t0

text:
    .asciz  "boot-entry "
    .balign 8
kernel:                                 # from here to the kernel's own entry
    .quad   0
