# SPDX-License-Identifier: MIT
# The FP and vector registers of a guest: as after reset, and between the hart and their values
# (kernel/arch/guest/guest_state.hpp). sstatus.FS or VS is on.

#include "kernel/arch/guest/guest_extensions.h"

    .text

# void reset_guest_fp(): the FP registers and fcsr as after reset. Needs sstatus.FS on and D.
    .global reset_guest_fp
    .option push
    .option arch, +d
reset_guest_fp:
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fmv.d.x f\n, zero
    .endr
    csrw    fcsr, zero
    ret
    .option pop

# void reset_guest_vector(): the vector registers as after reset ("V" extension, "Vector Extension State
# at reset"). Needs sstatus.VS on and V.
    .global reset_guest_vector
    .option push
    .option arch, +v
reset_guest_vector:
    vsetvli t0, zero, e8, m8, ta, ma
    .irp    n, 0,8,16,24
    vmv.v.i v\n, 0
    .endr
    csrw    vcsr, zero
    li      t0, -1 << 63                # vill
    vsetvl  zero, zero, t0
    csrw    vstart, zero
    ret
    .option pop

# void save_guest_fp(GuestFp* a0), void load_guest_fp(const GuestFp* a0): needs D.
# void save_guest_fp_control(GuestFp* a0): fcsr alone.
    .option push
    .option arch, +d
    .global save_guest_fp
save_guest_fp:
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd     f\n, \n * 8(a0)
    .endr
    .global save_guest_fp_control
save_guest_fp_control:
    csrr    t0, fcsr
    sd      t0, CAIRN_FP_FCSR(a0)
    ret
    .global load_guest_fp
load_guest_fp:
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld     f\n, \n * 8(a0)
    .endr
    ld      t0, CAIRN_FP_FCSR(a0)
    csrw    fcsr, t0
    ret
    .option pop

# void save_guest_vector(GuestVector* a0), void load_guest_vector(const GuestVector* a0): needs V.
# Moves of whole registers begin at vstart, whatever vtype is, an illegal one too.
# void save_guest_vector_control(GuestVector* a0): the CSRs alone.
    .option push
    .option arch, +v
    .global save_guest_vector
save_guest_vector:
    csrr    t2, vstart
    csrw    vstart, zero
    csrr    t0, vlenb
    slli    t0, t0, 3                   # eight registers
    ld      t1, CAIRN_VECTOR_REGISTERS(a0)
    .irp    n, 0,8,16,24
    vs8r.v  v\n, (t1)
    add     t1, t1, t0
    .endr
    csrw    vstart, t2
    .global save_guest_vector_control
save_guest_vector_control:
    csrr    t0, vstart
    sd      t0, CAIRN_VECTOR_VSTART(a0)
    csrr    t0, vl
    sd      t0, CAIRN_VECTOR_VL(a0)
    csrr    t0, vtype
    sd      t0, CAIRN_VECTOR_VTYPE(a0)
    csrr    t0, vcsr
    sd      t0, CAIRN_VECTOR_VCSR(a0)
    ret
    .global load_guest_vector
load_guest_vector:
    csrw    vstart, zero
    csrr    t0, vlenb
    slli    t0, t0, 3
    ld      t1, CAIRN_VECTOR_REGISTERS(a0)
    .irp    n, 0,8,16,24
    vl8re8.v v\n, (t1)
    add     t1, t1, t0
    .endr
    ld      t0, CAIRN_VECTOR_VL(a0)
    ld      t1, CAIRN_VECTOR_VTYPE(a0)
    vsetvl  zero, t0, t1
    ld      t0, CAIRN_VECTOR_VCSR(a0)
    csrw    vcsr, t0
    ld      t0, CAIRN_VECTOR_VSTART(a0)
    csrw    vstart, t0                  # last: vector instructions clear it
    ret
    .option pop
