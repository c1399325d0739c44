# SPDX-License-Identifier: MIT
# The way into a cell (tests/guests/hostile/cell.hpp) and out of it, and where harts begin.

    .set    SAVED, 256
    .set    SELF, 384
    .set    CODE_BEGIN, 392
    .set    CODE_END, 400
    .set    CODE, 408
    .set    TRAPS_LEFT, 416
    .set    TRAPS, 424

    .text
# hostile_run(cell, handle, satp, pc, sstatus): `handle` is the cell in the pages of satp. The cell
# itself can be read there, too.
    .global hostile_run
hostile_run:
    .irp    n, 1,2,3
    sd      x\n, SAVED + \n * 8(a0)
    .endr
    sd      tp, SAVED(a0)
    sd      s0, SAVED + 32(a0)
    sd      s1, SAVED + 40(a0)
    .irp    n, 2,3,4,5,6,7,8,9,10,11
    sd      s\n, SAVED + 32 + \n * 8(a0)
    .endr
    csrw    sscratch, a1
    csrw    sepc, a3
    csrw    sstatus, a4
    csrw    satp, a2
    sfence.vma
    mv      x31, a0
    .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    ld      x\n, \n * 8(x31)
    .endr
    ld      x31, 31 * 8(x31)
    sret

    .global hostile_trap
    .balign 4
hostile_trap:
    csrrw   tp, sscratch, tp            # the cell, where the pages of now have it
    .irp    n, 1,2,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, \n * 8(tp)
    .endr
    csrr    t0, sscratch
    sd      t0, 4 * 8(tp)
    csrw    sscratch, tp
    csrr    t0, scause
    bltz    t0, leave
    ld      t1, TRAPS(tp)
    addi    t1, t1, 1
    sd      t1, TRAPS(tp)
    csrr    t0, sepc
    ld      t1, CODE_BEGIN(tp)
    bltu    t0, t1, leave
    ld      t2, CODE_END(tp)
    bgeu    t0, t2, leave
    ld      t2, TRAPS_LEFT(tp)
    addi    t2, t2, -1
    sd      t2, TRAPS_LEFT(tp)
    bltz    t2, leave
    sub     t1, t0, t1                  # step over: the instruction's length is in its first parcel
    ld      t2, CODE(tp)
    add     t1, t1, t2
    lhu     t1, 0(t1)
    andi    t1, t1, 3
    addi    t0, t0, 2
    addi    t1, t1, -3
    bnez    t1, 1f
    addi    t0, t0, 2
1:  csrw    sepc, t0
    .irp    n, 1,2,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\n, \n * 8(tp)
    .endr
    ld      tp, 4 * 8(tp)
    sret

leave:
    ld      tp, SELF(tp)
    csrw    satp, zero
    sfence.vma
    csrw    sscratch, tp
    mv      a0, tp
    .irp    n, 1,2,3
    ld      x\n, SAVED + \n * 8(a0)
    .endr
    ld      tp, SAVED(a0)
    ld      s0, SAVED + 32(a0)
    ld      s1, SAVED + 40(a0)
    .irp    n, 2,3,4,5,6,7,8,9,10,11
    ld      s\n, SAVED + 32 + \n * 8(a0)
    .endr
    ret

# Where SBI HSM starts and resumes harts: a0 = hart id; a1 is anything.
    .global hostile_entry
hostile_entry:
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      tp, __tls_start             # nothing here is thread_local
    la      sp, hostile_stacks
    addi    t0, a0, 1
    slli    t0, t0, 14
    add     sp, sp, t0
    mv      s0, zero
    call    hostile_hart                # (hart id), never returns
3:  wfi
    j       3b
