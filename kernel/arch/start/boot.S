# SPDX-License-Identifier: MIT
# Compiled: into hypervisor.elf alone. The firmware calls it there.
# The first instructions. A boot loader enters here in HS-mode with paging off, a0 = hart id and
# a1 = address of the device tree (RISC-V SBI and Linux boot protocol); nothing else can be relied on.

#include "kernel/arch/start/hart_start.h"

    .section .boot, "ax", @progbits
    .global _start
_start:
    .option push
    .option norelax                     # gp cannot be used to find gp
    la      t0, boot_hart_is_here
    li      t1, 1
    amoswap.w.aq t0, t1, (t0)
    bnez    t0, late
    la      gp, __global_pointer$
    .option pop
    la      tp, __tls_start             # thread_local variables: this hart's
    csrw    sie, zero
    csrci   sstatus, CAIRN_SSTATUS_SIE  # the host takes no interrupts but as exits
    la      t0, kernel_trap_entry       # from here on a trap is reported, not fatal in silence
    csrw    stvec, t0
    la      sp, __stack_top
    mv      s0, zero                    # the frame-pointer chain ends here
    mv      ra, zero
    call    kernel_main                 # (hart id, device tree), never returns
1:  wfi
    j       1b

# Not the first. OpenSBI 1.1 marks a hart as started before it writes down where; if the hart looks
# in between, it comes here instead of to hart_entry. A hart that nobody has asked for sleeps.
late:
    .option push
    .option norelax
    la      a1, first_hart_start
    .option pop
    fence
    ld      a1, 0(a1)
2:  beqz    a1, 1b
    ld      t0, CAIRN_HART_START_ID(a1)
    beq     t0, a0, 3f
    ld      a1, CAIRN_HART_START_NEXT(a1)
    j       2b
3:  j       hart_entry

    .data
    .balign 4
boot_hart_is_here:
    .word   0
