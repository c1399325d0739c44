# SPDX-License-Identifier: MIT
# The loops of ping_pong.cpp. Each hart masks its interrupts, sends, and sleeps until the other's is
# there; handle_ping notes in s2 that it was taken.

    .option norvc
    .option arch, +d, +v
    .text

    .macro  wait_for_ping
2:  wfi
    csrsi   sstatus, 1 << 1             # taken here
    csrci   sstatus, 1 << 1
    beqz    s2, 2b
    li      s2, 0
    .endm

    .macro  send hart
    li      a7, 0x735049                # send_ipi(mask 1, base hart), as Linux does
    li      a6, 0
    li      a0, 1
    mv      a1, \hart
    ecall
    .endm

# void ping_KIND(uint64_t rounds, uint64_t other_hart)
# pong_KIND: where hart_start lets the other hart begin; a1 = the hart that it answers
    .macro  loops kind, change:vararg
    .global ping_\kind, pong_\kind
    .balign 4
ping_\kind:
    addi    sp, sp, -16
    sd      s2, 0(sp)
    csrci   sstatus, 1 << 1
    li      s2, 0
    mv      t6, a0
    mv      t5, a1
1:  \change
    send    t5
    wait_for_ping
    addi    t6, t6, -1
    bnez    t6, 1b
    ld      s2, 0(sp)
    addi    sp, sp, 16
    ret

    .balign 4
pong_\kind:
    la      sp, pong_stack_top
    la      t0, handle_ping
    csrw    stvec, t0
    li      t0, 3 << 13 | 3 << 9        # FS and VS
    csrs    sstatus, t0
    csrwi   sie, 1 << 1
    li      s2, 0
    mv      t5, a1
1:  wait_for_ping
    \change
    send    t5
    j       1b
    .endm

    loops   plain, nop
    loops   fp, fmv.d.x fs0, t6
    .macro  change_vector
    vsetivli zero, 1, e64, m1, ta, ma
    vmv.s.x v8, t6
    .endm
    loops   vector, change_vector

    .global handle_ping
    .balign 4
handle_ping:
    li      s2, 1
    csrci   sip, 1 << 1
    sret

    .bss
    .balign 16
    .skip   64
pong_stack_top:
