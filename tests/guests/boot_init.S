# SPDX-License-Identifier: MIT
# A Linux program to be /init: turns the machine off. The numbers are of Linux,
# files include/uapi/asm-generic/unistd.h and include/uapi/linux/reboot.h.

    .text
    .global _start
_start:
    li      a0, 0xfee1dead
    li      a1, 672274793
    li      a2, 0x4321fedc              # POWER_OFF
    li      a7, 142                     # reboot
    ecall
1:  j       1b
