# SPDX-License-Identifier: MIT
# Into the guest and out again. See kernel/arch/guest/vcpu_context.hpp for the drawing.
#
# While the guest runs, sscratch holds its VcpuContext, and stvec points to one of the entries of
# kernel/arch/guest/fast_exits.S or, where C++ wants to see every exit, to watched_guest_exit. Supervisor
# interrupts are masked in the host (sstatus.SIE is 0) and enabled by hardware while V = 1.

#include "kernel/arch/guest/world_switch_constants.h"

    .option arch, +h, +sstc
    .text

    .equ    HOST_FRAME, 112             # ra, s0 to s11 and 8 bytes, so that sp stays aligned

# void enter_guest(VcpuContext* a0)
    .global enter_guest
enter_guest:
    addi    sp, sp, -HOST_FRAME
    sd      ra, 104(sp)
    sd      s0, 96(sp)
    addi    s0, sp, HOST_FRAME          # keeps the frame-pointer chain whole for backtraces
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
    csrw    sscratch, a0

resume_guest:                           # a0 = sscratch = context
    .irp    n, 9,18,19,20,21,22,23,24,25,26,27
    ld      x\n, \n * 8(a0)
    .endr
resume_with_saved_registers:            # s1 to s11 are the guest's already
    ld      t0, CAIRN_CONTEXT_EXIT_ENTRY(a0)
    csrw    stvec, t0
    ld      t0, CAIRN_CONTEXT_PC(a0)
    csrw    sepc, t0
    .irp    n, 1,2,3,4,5,6,7,8,11,12,13,14,15,16,17,28,29,30,31
    ld      x\n, \n * 8(a0)
    .endr
    ld      a0, 10 * 8(a0)
    sret

# Those that C++ keeps for whoever calls it: until it returns, they can be stored before or after.
    .macro  store_saved_registers
    .irp    n, 9,18,19,20,21,22,23,24,25,26,27
    sd      x\n, \n * 8(a0)
    .endr
    .endm

# What every way to C++ begins with (a0 = context): the guest's registers and pc are stored, sscratch
# holds the context again, and sp, s0, gp and tp are the host's. s1 to s11 keep the guest's values.
    .macro  enter_host
    store_saved_registers
    enter_host_with_saved_registers
    .endm

    .macro  enter_host_with_saved_registers
    .irp    n, 1,2,3,4,7,8,11,12,13,14,15,16,17,28,29,30,31
    sd      x\n, \n * 8(a0)
    .endr
    csrrw   t0, sscratch, a0
    sd      t0, 10 * 8(a0)
    ld      sp, CAIRN_CONTEXT_HOST_SP(a0)
    ld      tp, CAIRN_CONTEXT_HOST_TP(a0)
    addi    s0, sp, HOST_FRAME
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    csrr    t2, sepc
    sd      t2, CAIRN_CONTEXT_PC(a0)
    .endm

#include "kernel/arch/guest/fast_exits.S"

full_exit:
    enter_host
    la      t0, kernel_trap_entry
    csrw    stvec, t0
    call    handle_guest_exit
handled:
    addi    t0, a0, -CAIRN_RESUME_WITH_SAVED_REGISTERS
    mv      t1, a0
    csrr    a0, sscratch
    beqz    t0, resume_with_saved_registers
    bnez    t1, resume_guest
    j       leave_guest

# Nothing is answered in assembly, and every exit has one way: the guest has some of it counted
# (kernel/vm/vcpu/vcpu_pmu.hpp), or its exits are counted or traced (kernel/vm/exits/).
    .global watched_guest_exit
    .balign 4
watched_guest_exit:
    csrrw   a0, sscratch, a0
    sd      t0, 5 * 8(a0)
    sd      t1, 6 * 8(a0)
    enter_host
    la      t0, kernel_trap_entry
    csrw    stvec, t0
    call    handle_watched_exit
    j       handled

# A load or store that G-stage translation refused, most likely of a device, and with none of s1 to
# s11: those are stored only if C++ asks for it, or the guest is left. C++ is given what the
# hart says of it and the instruction, which is read here with the guest's execute permission
# (HLVX): its 16 or 32 bits, or 32 bits of which the first 16 are it. A fault of that is no trap of
# the kernel: it comes back as a value, and every CSR that it changed is put back.
not_a_call:
    addi    t0, t0, -(CAIRN_CAUSE_LOAD_GUEST_PAGE_FAULT - CAIRN_CAUSE_ECALL_FROM_VS)
    andi    t0, t0, ~(CAIRN_CAUSE_LOAD_GUEST_PAGE_FAULT ^ CAIRN_CAUSE_STORE_GUEST_PAGE_FAULT)
    bnez    t0, full_exit
    enter_host_with_saved_registers     # t2 = the guest's pc
    csrr    a3, htinst
    csrr    a4, stval
    csrr    a5, htval
    csrr    a6, scause
    csrr    t3, sstatus
    csrr    t4, hstatus
    la      t0, fetch_fault
    csrw    stvec, t0
    andi    t0, t2, 2
    bnez    t0, fetch_by_halves         # a word may end on another page
    hlvx.wu a1, (t2)
fetched:
    la      t0, kernel_trap_entry
    csrw    stvec, t0
    call    handle_guest_access         # (context, fetched, fault address, htinst, stval, htval)
    addi    t0, a0, -CAIRN_RESUME_WITH_SAVED_REGISTERS
    mv      t1, a0
    csrr    a0, sscratch
    beqz    t0, resume_with_saved_registers
    store_saved_registers
    beqz    t1, leave_guest
    call    handle_open_access          # (context)
    j       handled

leave_guest:
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
    addi    sp, sp, HOST_FRAME
    ret

fetch_by_halves:
    hlvx.hu a1, (t2)
    andi    t0, a1, 3                   # 11: 32 bits or more
    addi    t0, t0, -3
    bnez    t0, fetched
    addi    t2, t2, 2
    hlvx.hu t2, (t2)
    slli    t2, t2, 16
    or      a1, a1, t2
    j       fetched

    .balign 4                           # stvec, direct mode
fetch_fault:
    mv      a2, t2                      # the half that faulted
    csrr    a1, scause
    li      t0, 1 << CAIRN_FETCH_FAULTED_BIT
    or      a1, a1, t0
    csrw    sstatus, t3
    csrw    hstatus, t4
    csrw    scause, a6
    csrw    htval, a5
    csrw    stval, a4
    csrw    htinst, a3
    j       fetched
