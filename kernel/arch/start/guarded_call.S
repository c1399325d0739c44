# SPDX-License-Identifier: MIT
# Trying what the machine may not have: a trap of the attempt is a value, not the end of the machine.

    .text

# uint64_t guarded_call(void (*a0)(uint64_t), uint64_t a1): a0(a1), and 0; where that traps, nothing
# more of it is done, and the result is scause + 1. What a call preserves is preserved either way: it
# lies here on the stack, to which sscratch leads. Supervisor interrupts stay masked, as always in
# the host, and the CSRs that a trap writes hold nothing that anybody wants then.
    .global guarded_call
guarded_call:
    addi    sp, sp, -128
    sd      ra, 120(sp)
    sd      s0, 112(sp)
    addi    s0, sp, 128                 # keeps the frame-pointer chain whole for backtraces
    sd      s1, 104(sp)
    sd      s2, 96(sp)
    sd      s3, 88(sp)
    sd      s4, 80(sp)
    sd      s5, 72(sp)
    sd      s6, 64(sp)
    sd      s7, 56(sp)
    sd      s8, 48(sp)
    sd      s9, 40(sp)
    sd      s10, 32(sp)
    sd      s11, 24(sp)
    csrr    t0, sstatus
    sd      t0, 16(sp)
    csrw    sscratch, sp
    la      t0, attempt_trapped
    csrrw   t0, stvec, t0
    sd      t0, 8(sp)
    mv      t0, a0
    mv      a0, a1
    jalr    t0
    li      a0, 0
attempt_ended:
    ld      t0, 8(sp)
    csrw    stvec, t0
    ld      ra, 120(sp)
    ld      s0, 112(sp)
    addi    sp, sp, 128
    ret

    .balign 4                           # stvec, direct mode
attempt_trapped:
    csrr    sp, sscratch
    ld      t0, 16(sp)
    csrw    sstatus, t0                 # SPP and SPIE, and whatever registers the attempt had on
    ld      s1, 104(sp)
    ld      s2, 96(sp)
    ld      s3, 88(sp)
    ld      s4, 80(sp)
    ld      s5, 72(sp)
    ld      s6, 64(sp)
    ld      s7, 56(sp)
    ld      s8, 48(sp)
    ld      s9, 40(sp)
    ld      s10, 32(sp)
    ld      s11, 24(sp)
    csrr    a0, scause
    addi    a0, a0, 1
    j       attempt_ended
