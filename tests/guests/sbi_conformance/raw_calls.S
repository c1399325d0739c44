# SPDX-License-Identifier: MIT
# SBI calls with every register known, and the places where harts start and resume.
    .text

# conformance_call(u64 x[32]): loads all registers but x0, sp, gp and tp from there, calls, and stores
# all.       sp -> | x array | a0 after | ra | s0..s11 |
    .global conformance_call
conformance_call:
    addi    sp, sp, -128
    sd      a0, 0(sp)
    sd      ra, 16(sp)
    sd      s0, 24(sp)
    sd      s1, 32(sp)
    .irp    n, 18,19,20,21,22,23,24,25,26,27
    sd      x\n, (\n - 13) * 8(sp)
    .endr
    .irp    n, 1,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\n, \n * 8(a0)
    .endr
    ld      a0, 80(a0)
    ecall
    sd      a0, 8(sp)
    ld      a0, 0(sp)
    .irp    n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, \n * 8(a0)
    .endr
    ld      t0, 8(sp)
    sd      t0, 80(a0)
    ld      ra, 16(sp)
    ld      s0, 24(sp)
    ld      s1, 32(sp)
    .irp    n, 18,19,20,21,22,23,24,25,26,27
    ld      x\n, (\n - 13) * 8(sp)
    .endr
    addi    sp, sp, 128
    ret

# conformance_suspend(a0 = type, a1 = place, a2 = opaque, a3 = u64 out[5], a6 = function,
# a7 = extension): out = a0, a1, satp, sstatus, whether it came back at conformance_resume. One hart
# at a time.
    .global conformance_suspend
conformance_suspend:
    la      t0, conformance_saved
    sd      ra, 0(t0)
    sd      sp, 8(t0)
    sd      gp, 16(t0)
    sd      tp, 24(t0)
    sd      s0, 32(t0)
    sd      s1, 40(t0)
    .irp    n, 18,19,20,21,22,23,24,25,26,27
    sd      x\n, (\n - 12) * 8(t0)
    .endr
    sd      a3, 128(t0)
    csrr    t1, stvec
    sd      t1, 136(t0)
    csrr    t1, sscratch
    sd      t1, 144(t0)
    ecall
    li      t1, 0
    j       1f
    .balign 4
    .global conformance_resume
conformance_resume:
    li      t1, 1
1:  la      t0, conformance_saved
    ld      a3, 128(t0)
    sd      a0, 0(a3)
    sd      a1, 8(a3)
    csrr    t2, satp
    sd      t2, 16(a3)
    csrr    t2, sstatus
    sd      t2, 24(a3)
    sd      t1, 32(a3)
    ld      t1, 136(t0)
    csrw    stvec, t1
    ld      t1, 144(t0)
    csrw    sscratch, t1
    ld      ra, 0(t0)
    ld      sp, 8(t0)
    ld      gp, 16(t0)
    ld      tp, 24(t0)
    ld      s0, 32(t0)
    ld      s1, 40(t0)
    .irp    n, 18,19,20,21,22,23,24,25,26,27
    ld      x\n, (\n - 12) * 8(t0)
    .endr
    ret

# Where harts start: a0 = hart id, a1 = opaque.
    .balign 4
    .global conformance_entry
conformance_entry:
    csrr    a2, satp
    csrr    a3, sstatus
    csrci   sstatus, 2
    csrw    sie, zero
    csrw    satp, zero
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      tp, __tls_start             # nothing here is thread_local
    la      t0, guest_trap_entry
    csrw    stvec, t0
    li      t0, 4
    bgeu    a0, t0, 2f                  # a wrong id: the stacks are not its own
    addi    t0, a0, 1
    slli    t0, t0, 14
    la      sp, conformance_stacks
    add     sp, sp, t0
    mv      s0, zero
    call    conformance_hart            # (hart id, opaque, satp, sstatus), never returns
2:  wfi
    j       2b

    .bss
    .balign 16
conformance_saved:
    .zero   160
conformance_stacks:
    .zero   4 * 16384

# A handler of supervisor software events: counts, keeps a6 (hart id) and a7 (its argument), completes.
    .text
    .balign 4
    .global conformance_event
conformance_event:
    addi    sp, sp, -32
    sd      t0, 0(sp)
    sd      t1, 8(sp)
    la      t0, conformance_event_seen
    ld      t1, 0(t0)
    addi    t1, t1, 1
    sd      t1, 0(t0)
    sd      a6, 8(t0)
    sd      a7, 16(t0)
    ld      t0, 0(sp)
    ld      t1, 8(sp)
    addi    sp, sp, 32
    li      a6, 6                       # complete
    li      a7, 0x535345                # SSE
    ecall
1:  j       1b

    .bss
    .balign 8
    .global conformance_event_seen
conformance_event_seen:
    .zero   24
