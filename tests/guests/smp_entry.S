# SPDX-License-Identifier: MIT
# Where SBI HSM starts the harts of smp_stress.cpp, sleepers.cpp and own_image.cpp: a0 = hart id, a1 = the top of its stack.
    .text
    .global smp_entry
smp_entry:
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      tp, __tls_start             # nothing here is thread_local
    la      t0, guest_trap_entry
    csrw    stvec, t0
    mv      sp, a1
    mv      s0, zero
    call    smp_hart                    # (hart id), never returns
1:  wfi
    j       1b
