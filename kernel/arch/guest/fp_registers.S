# SPDX-License-Identifier: MIT
# One f-register by its number: the guest's stay in the hart. Needs sstatus.FS on and D.

    .option arch, +d
    .option norvc                       # 8 bytes for each register
    .text

    .macro  by_number name
    .global \name
    .balign 4
\name:
    andi    a0, a0, 31
    slli    a0, a0, 3
    la      t0, \name\()_table
    add     t0, t0, a0
    jr      t0
\name\()_table:
    .endm

# uint64_t read_fp_register(unsigned number)
    by_number read_fp_register
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fmv.x.d a0, f\n
    ret
    .endr

# void write_fp_register(unsigned number, uint64_t bits)
    by_number write_fp_register
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fmv.d.x f\n, a1
    ret
    .endr
