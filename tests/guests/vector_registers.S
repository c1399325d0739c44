# SPDX-License-Identifier: MIT
# The vector registers for tests/guests/vector_check.cpp; C++ is compiled without them. 16 bytes of
# each, which every hart with V has.
    .option arch, +v
    .text
    .global fill_vector_registers       # (base): every 64-bit element of vN = base + N
fill_vector_registers:
    vsetivli zero, 2, e64, m1, ta, ma
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vmv.v.x v\n, a0
    addi    a0, a0, 1
    .endr
    ret
    .global store_vector_registers      # (uint64_t[32][2])
store_vector_registers:
    vsetivli zero, 2, e64, m1, ta, ma
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vse64.v v\n, (a0)
    addi    a0, a0, 16
    .endr
    ret
    .global set_vstart                  # (value)
set_vstart:
    csrw    vstart, a0
    ret
    .global store_vector_control        # (uint64_t[3]): vstart, vl, vtype
store_vector_control:
    csrr    t0, vstart
    sd      t0, (a0)
    csrr    t0, vl
    sd      t0, 8(a0)
    csrr    t0, vtype
    sd      t0, 16(a0)
    ret
