# SPDX-License-Identifier: MIT
# The FP registers for tests/guests/fp_check.cpp; C++ is compiled without them.
    .option arch, +d
    .text
    .global fill_fp_registers           # (base): f0 = base, f1 = base + 1, ...
fill_fp_registers:
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fmv.d.x f\n, a0
    addi    a0, a0, 1
    .endr
    ret
    .global store_fp_registers          # (uint64_t[32])
store_fp_registers:
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd     f\n, \n * 8(a0)
    .endr
    ret
