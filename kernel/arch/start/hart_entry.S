# SPDX-License-Identifier: MIT
# Where the firmware starts every hart but the first (SBI, "Function: Hart start"): a0 = hart id,
# a1 = its HartStart, paging and interrupts off; nothing else can be relied on.

#include "kernel/arch/start/hart_start.h"

    .section .text.hart_entry, "ax", @progbits
    .global hart_entry
    .balign 4
hart_entry:
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    csrw    sie, zero
    li      t0, CAIRN_SSTATUS_LEFT_ON
    csrc    sstatus, t0
    ld      tp, CAIRN_HART_START_TP(a1) # thread_local variables: this hart's own
    la      t0, kernel_trap_entry
    csrw    stvec, t0
    ld      t0, CAIRN_HART_START_SATP(a1)
    sfence.vma                          # whatever an earlier stage translated
    csrw    satp, t0                    # every address stays what it is
    sfence.vma
    ld      sp, CAIRN_HART_START_SP(a1)
    mv      s0, zero                    # the frame-pointer chain ends here
    mv      ra, zero
    mv      a0, a1
    call    hart_main                   # (HartStart*), never returns
1:  wfi
    j       1b
