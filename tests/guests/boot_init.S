# SPDX-License-Identifier: MIT
# A Linux program to be /init: prints `boot-init HEX`, the time at which its first instruction ran,
# and turns the machine off. System call numbers: Linux, include/uapi/asm-generic/unistd.h.

    .text
    .global _start
_start:
    rdtime  s1
    lla     s2, digits
    li      s3, 60                      # the time, four bits at once
1:  srl     t1, s1, s3
    andi    t1, t1, 15
    li      t0, 10
    bltu    t1, t0, 2f
    addi    t1, t1, 'a' - '9' - 1
2:  addi    t1, t1, '0'
    sb      t1, 0(s2)
    addi    s2, s2, 1
    addi    s3, s3, -4
    bgez    s3, 1b

    li      a0, 1
    lla     a1, text
    li      a2, 10 + 16 + 1              # its length
    li      a7, 64                      # write
    ecall
    li      a0, 0xfee1dead              # include/uapi/linux/reboot.h
    li      a1, 672274793
    li      a2, 0x4321fedc              # POWER_OFF
    li      a7, 142                     # reboot
    ecall
3:  j       3b

    .data
text:
    .ascii  "boot-init "
digits:
    .ascii  "................\n"
