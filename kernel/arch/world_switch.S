# SPDX-License-Identifier: MIT
# Into the guest and out again. See kernel/arch/vcpu_context.hpp for the drawing.
#
# While the guest runs, sscratch holds its VcpuContext and stvec points to guest_exit. Supervisor
# interrupts are masked in the host (sstatus.SIE is 0) and enabled by hardware while V = 1.

#include "kernel/arch/world_switch_constants.h"

    .option arch, +h
    .text

# void enter_guest(VcpuContext* a0)
    .global enter_guest
enter_guest:
    addi    sp, sp, -112
    sd      ra, 104(sp)
    sd      s0, 96(sp)
    addi    s0, sp, 112                 # keeps the frame-pointer chain whole for backtraces
    sd      s1, 88(sp)
    sd      s2, 80(sp)
    sd      s3, 72(sp)
    sd      s4, 64(sp)
    sd      s5, 56(sp)
    sd      s6, 48(sp)
    sd      s7, 40(sp)
    sd      s8, 32(sp)
    sd      s9, 24(sp)
    sd      s10, 16(sp)
    sd      s11, 8(sp)
    sd      sp, CAIRN_CONTEXT_HOST_SP(a0)
    sd      tp, CAIRN_CONTEXT_HOST_TP(a0)

resume_guest:                           # a0 = context
    la      t0, guest_exit
    csrw    stvec, t0
    csrw    sscratch, a0
    ld      t0, CAIRN_CONTEXT_PC(a0)
    csrw    sepc, t0
    .irp    n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\n, \n * 8(a0)
    .endr
    ld      a0, 10 * 8(a0)
    sret

# The calls that guests make most are answered here, with two registers saved instead of thirty-one:
#
#   TIME set_timer          where the guest has Sstc, one CSR write
#   sPI send_ipi            to the guest's own hart, one bit of hvip
#   BASE get_spec_version   a constant
#
# and so is the host's timer, which is armed only where it stands in for the guest's: it becomes the
# guest's timer interrupt. Everything else, these calls with other arguments included, takes the full
# path to C++, whose answers are the same (kernel/exit/).
    .balign 4                           # stvec, direct mode
guest_exit:
    csrrw   a0, sscratch, a0            # a0 = context, sscratch = the guest's a0
    sd      t0, 5 * 8(a0)
    sd      t1, 6 * 8(a0)
    csrr    t0, scause
    bltz    t0, fast_timer
    addi    t0, t0, -CAIRN_CAUSE_ECALL_FROM_VS
    bnez    t0, full_exit
    li      t0, CAIRN_EXTENSION_TIME
    beq     a7, t0, fast_time
    li      t0, CAIRN_EXTENSION_IPI
    beq     a7, t0, fast_ipi
    addi    t0, a7, -CAIRN_EXTENSION_BASE
    or      t0, t0, a6                  # get_spec_version is function 0
    bnez    t0, full_exit
    li      a1, CAIRN_SBI_SPEC_VERSION
    j       fast_return

fast_time:                              # (a0 = deadline), function 0 alone
    lw      t0, CAIRN_CONTEXT_HAS_SSTC(a0)
    addi    t0, t0, -1
    or      t0, t0, a6
    bnez    t0, full_exit
    csrr    t0, sscratch
    csrw    0x24d, t0                   # vstimecmp
    li      a1, 0
    j       fast_return

fast_ipi:                               # (a0 = mask, a1 = base): exactly the hart itself
    csrr    t0, sscratch
    addi    t0, t0, -1
    or      t0, t0, a1
    or      t0, t0, a6
    lw      t1, CAIRN_CONTEXT_HART_ID(a0)
    or      t0, t0, t1                  # of hart 0, which mask 1 and base 0 name
    bnez    t0, full_exit
    csrsi   hvip, CAIRN_HVIP_VSSIP
    li      a1, 0

    j       fast_return

fast_timer:                             # an interrupt
    slli    t0, t0, 1                   # without the top bit
    addi    t0, t0, -2 * CAIRN_INTERRUPT_SUPERVISOR_TIMER
    bnez    t0, full_exit
    li      t0, CAIRN_SIE_STIE
    csrc    sie, t0                     # until the guest arms it again
    li      t0, CAIRN_HVIP_VSTIP
    csrs    hvip, t0
    ld      t0, 5 * 8(a0)
    csrrw   a0, sscratch, a0
    sret

fast_return:                            # a1 = value; error 0
    csrr    t0, sepc
    addi    t0, t0, 4                   # behind the ecall
    csrw    sepc, t0
    ld      t0, 5 * 8(a0)
    ld      t1, 6 * 8(a0)
    csrw    sscratch, a0
    li      a0, 0
    sret

full_exit:
    .irp    n, 1,2,3,4,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, \n * 8(a0)
    .endr
    csrr    t0, sscratch
    sd      t0, 10 * 8(a0)
    la      t0, kernel_trap_entry
    csrw    stvec, t0
    csrr    t0, sepc
    sd      t0, CAIRN_CONTEXT_PC(a0)
    ld      sp, CAIRN_CONTEXT_HOST_SP(a0)
    ld      tp, CAIRN_CONTEXT_HOST_TP(a0)
    addi    s0, sp, 112
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    mv      s1, a0
    call    handle_guest_exit
    mv      t0, a0
    mv      a0, s1
    bnez    t0, resume_guest

    ld      ra, 104(sp)
    ld      s0, 96(sp)
    ld      s1, 88(sp)
    ld      s2, 80(sp)
    ld      s3, 72(sp)
    ld      s4, 64(sp)
    ld      s5, 56(sp)
    ld      s6, 48(sp)
    ld      s7, 40(sp)
    ld      s8, 32(sp)
    ld      s9, 24(sp)
    ld      s10, 16(sp)
    ld      s11, 8(sp)
    addi    sp, sp, 112
    ret

# GuestFetch fetch_guest_instruction(uint64_t a0 = guest virtual address)
# Reads an instruction of 16 or 32 bits with the guest's execute permission (HLVX.HU). A fault is no
# trap of the kernel: a1 becomes its scause (else -1), a0 the address of the half that faulted, and
# every CSR that the fault changed is put back.
    .global fetch_guest_instruction
fetch_guest_instruction:
    la      t0, 1f
    csrrw   t0, stvec, t0
    csrr    t1, sstatus
    csrr    t2, hstatus
    csrr    t3, sepc
    mv      t4, a0
    li      a1, -1
    hlvx.hu a0, (t4)
    andi    t5, a0, 3                   # 11: 32 bits or more
    addi    t5, t5, -3
    bnez    t5, 2f
    addi    t4, t4, 2
    hlvx.hu t4, (t4)
    slli    t4, t4, 16
    or      a0, a0, t4
    j       2f
    .balign 4
1:  mv      a0, t4
    csrr    a1, scause
    csrw    sstatus, t1
    csrw    hstatus, t2
    csrw    sepc, t3
2:  csrw    stvec, t0
    ret

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
