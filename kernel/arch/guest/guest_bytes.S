# SPDX-License-Identifier: MIT
# Accesses to the guest's memory through its own translation, with the privilege that it had when it
# trapped (hstatus.SPVP). A fault of one is no trap of the kernel but a value: sstatus and hstatus are
# put back, and the trap CSRs keep what it left there. See kernel/arch/guest/hart_operations.hpp.

    .option arch, +h
    .text

    .macro  guarded name, access:vararg # (a0 = address, ...), a0 = value, a1 = scause or 0
    .global \name
    .balign 4
\name:
    csrr    t1, sstatus
    csrr    t2, hstatus
    la      t0, 1f
    csrrw   t3, stvec, t0
    \access
    li      a1, 0
    csrw    stvec, t3
    ret
    .balign 4                           # stvec, direct mode
1:  csrr    a1, scause
    csrw    sstatus, t1
    csrw    hstatus, t2
    csrw    stvec, t3
    ret
    .endm

    guarded load_guest_byte, hlv.bu a0, (a0)
    guarded store_guest_byte, hsv.b a1, (a0)
    guarded fetch_guest_half, hlvx.hu a0, (a0)
