# SPDX-License-Identifier: MIT
# The first instructions. A boot loader enters here in HS-mode with paging off, a0 = hart id and
# a1 = address of the device tree (RISC-V SBI and Linux boot protocol); nothing else can be relied on.

    .section .boot, "ax", @progbits
    .global _start
_start:
    .option push
    .option norelax                     # gp cannot be used to find gp
    la      gp, __global_pointer$
    .option pop
    la      tp, __tls_start             # thread_local variables: this hart's
    csrw    sie, zero
    csrci   sstatus, 2                  # SIE: the host takes no interrupts but as exits
    la      t0, kernel_trap_entry       # from here on a trap is reported, not fatal in silence
    csrw    stvec, t0
    la      sp, __stack_top
    mv      s0, zero                    # the frame-pointer chain ends here
    mv      ra, zero
    call    kernel_main                 # (hart id, device tree), never returns
1:  wfi
    j       1b
