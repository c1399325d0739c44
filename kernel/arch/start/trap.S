# SPDX-License-Identifier: MIT
# A trap taken by the hypervisor itself: always a defect, so it is reported and the machine stops.
# It runs on a stack of its own, because the trap may come from an exhausted one; tp leads to it, and is
# the hart's own whenever stvec points here.

    .text
    .global kernel_trap_entry
    .balign 4                           # stvec, direct mode
kernel_trap_entry:
    csrw    sscratch, sp
    lui     sp, %tprel_hi(trap_stack_end)
    add     sp, sp, tp, %tprel_add(trap_stack_end)
    ld      sp, %tprel_lo(trap_stack_end)(sp)
    addi    sp, sp, -256                # sizeof(KernelFrame)
    sd      zero, 0(sp)
    .irp    n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, \n * 8(sp)
    .endr
    csrr    t0, sscratch
    sd      t0, 2 * 8(sp)
    .option push
    .option norelax
    la      gp, __global_pointer$       # the trap may come from before gp was right, or from a guest
    .option pop
    mv      a0, sp
    call    report_kernel_trap          # (KernelFrame const&), never returns
1:  wfi
    j       1b
