# SPDX-License-Identifier: MIT
# The work of turns.cpp: blocks of 200 instructions, between which `time` is read.

# void work_until(uint64_t end, struct { uint64_t blocks, turns, longest_wait; }*, uint64_t gap)
    .option norvc
    .text
    .global work_until
    .balign 4
work_until:
    ld      t2, 0(a1)
    rdtime  t3
1:  li      t0, 96
2:  addi    t0, t0, -1
    bnez    t0, 2b                      # 192
    addi    t2, t2, 1
    rdtime  t1
    sub     t4, t1, t3
    mv      t3, t1
    bgeu    t4, a2, 3f
    nop
    bltu    t1, a0, 1b                  # 1 + 192 + 7
    sd      t2, 0(a1)
    ret
3:  ld      t5, 8(a1)                   # six more instructions than without
    addi    t5, t5, 1
    sd      t5, 8(a1)
    ld      t6, 16(a1)
    bgeu    t6, t4, 4f
    sd      t4, 16(a1)
4:  bltu    t1, a0, 1b
    sd      t2, 0(a1)
    ret
