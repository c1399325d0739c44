# SPDX-License-Identifier: MIT
# Compiled: as a part of world_switch.S. Branches between the two reach 4 KiB at most.
# Where traps of the guest go, and the exits that end here, without C++.
#
# The calls that guests make most are answered with two registers saved instead of thirty-one:
#
#   TIME set_timer          where the guest has Sstc, one CSR write
#   sPI send_ipi            to the guest's own hart, one bit of hvip; to one other, its bell is rung
#   BASE get_spec_version   a constant
#
# and so are two interrupts of the host: the timer, which is armed only where it stands in for the
# guest's and becomes the guest's timer interrupt, and another hart's ringing for an IPI of the guest.
# Everything else, these calls with other arguments included, takes the full path to C++, whose
# answers are the same (kernel/exit/).
    .global guest_exit
    .balign 4                           # stvec, direct mode
guest_exit:
    csrrw   a0, sscratch, a0            # a0 = context, sscratch = the guest's a0
    sd      t0, 5 * 8(a0)
    sd      t1, 6 * 8(a0)
    csrr    t0, scause
    bltz    t0, fast_interrupt
fast_exception:
    addi    t0, t0, -CAIRN_CAUSE_ECALL_FROM_VS
    bnez    t0, not_a_call
    li      t0, CAIRN_EXTENSION_TIME
    beq     a7, t0, fast_time
    li      t0, CAIRN_EXTENSION_IPI
    beq     a7, t0, fast_ipi
    addi    t0, a7, -CAIRN_EXTENSION_BASE
    or      t0, t0, a6                  # get_spec_version is function 0
    bnez    t0, full_exit
    li      a1, CAIRN_SBI_SPEC_VERSION
    j       fast_return

# The same, but the host's timer is a tick: the deadline of the next is set, then the guest's own is
# written again with its value (Vcpu::renew_timer).
    .global renewing_guest_exit
    .balign 4
renewing_guest_exit:
    csrrw   a0, sscratch, a0
    sd      t0, 5 * 8(a0)
    sd      t1, 6 * 8(a0)
    csrr    t0, scause
    bgez    t0, fast_exception
    slli    t0, t0, 1                   # without the top bit
    addi    t0, t0, -2 * CAIRN_INTERRUPT_SUPERVISOR_SOFTWARE
    beqz    t0, fast_ring
    addi    t0, t0, -2 * (CAIRN_INTERRUPT_SUPERVISOR_TIMER - CAIRN_INTERRUPT_SUPERVISOR_SOFTWARE)
    bnez    t0, full_exit
    rdtime  t0
    lwu     t1, CAIRN_CONTEXT_TIMER_RENEWAL(a0)
    add     t0, t0, t1
    csrw    stimecmp, t0
    csrr    t0, vstimecmp
    csrw    vstimecmp, t0
    ld      t0, 5 * 8(a0)
    ld      t1, 6 * 8(a0)
    csrrw   a0, sscratch, a0
    sret

# The same, but interrupts of the machine may be of vCPUs that sleep on this hart, or end the turn of
# the one that runs: C++ answers them.
    .global sharing_guest_exit
    .balign 4
sharing_guest_exit:
    csrrw   a0, sscratch, a0
    sd      t0, 5 * 8(a0)
    sd      t1, 6 * 8(a0)
    csrr    t0, scause
    bgez    t0, fast_exception
    j       full_exit

fast_time:                              # (a0 = deadline), function 0 alone
    lw      t0, CAIRN_CONTEXT_HAS_SSTC(a0)
    addi    t0, t0, -1
    or      t0, t0, a6
    bnez    t0, full_exit
    csrr    t0, sscratch
    csrw    vstimecmp, t0
    li      a1, 0
    j       fast_return

fast_ipi:                               # (a0 = mask, a1 = base)
    bnez    a6, full_exit
    csrr    t0, sscratch
    addi    t1, t0, -1
    bnez    t1, ipi_by_mask
    lwu     t1, CAIRN_CONTEXT_QUICK_IPIS(a0)
    bgeu    a1, t1, full_exit           # mask 1 and a base: hart a1
    lwu     t0, CAIRN_CONTEXT_HART_ID(a0)
    beq     a1, t0, ipi_to_self
    ld      t0, CAIRN_CONTEXT_IPI_ROUTES(a0)
    slli    t1, a1, CAIRN_IPI_ROUTE_SHIFT
    add     t0, t0, t1
    ld      t1, CAIRN_IPI_ROUTE_BELL(t0) # Doorbell::ring, then IpiBatch::add
    li      a1, CAIRN_REQUEST_SOFTWARE_INTERRUPT
    amoor.w.aqrl a1, a1, (t1)
    bnez    a1, ipi_sent
    ld      t1, CAIRN_IPI_ROUTE_SET_SSIP(t0)
    beqz    t1, ipi_by_firmware
    li      a1, 1
    fence   w, o
    sw      a1, (t1)
ipi_sent:
    li      a1, 0
    j       fast_return

ipi_by_firmware:                        # the guest's own call, but for the hart
    ld      a1, CAIRN_IPI_ROUTE_HART(t0)
    csrw    sscratch, a0                # the guest's a0 is not needed any more
    li      a0, 1
    ecall
    csrr    a0, sscratch
    j       ipi_sent

ipi_by_mask:
    ld      t1, CAIRN_CONTEXT_SELF_MASK(a0)
    xor     t0, t0, t1                  # which names the hart with base 0
    or      t0, t0, a1
    bnez    t0, full_exit
ipi_to_self:
    csrsi   hvip, CAIRN_HVIP_VSSIP
    li      a1, 0
    j       fast_return

fast_interrupt:
    slli    t0, t0, 1                   # without the top bit
    addi    t0, t0, -2 * CAIRN_INTERRUPT_SUPERVISOR_SOFTWARE
    beqz    t0, fast_ring
    addi    t0, t0, -2 * (CAIRN_INTERRUPT_SUPERVISOR_TIMER - CAIRN_INTERRUPT_SUPERVISOR_SOFTWARE)
    bnez    t0, full_exit
    li      t0, CAIRN_SIE_STIE
    csrc    sie, t0                     # until the guest arms it again
    li      t0, CAIRN_HVIP_VSTIP
    csrs    hvip, t0
    ld      t0, 5 * 8(a0)
    csrrw   a0, sscratch, a0
    sret

# Vcpu::answer, where an IPI is all that is asked for. If more comes in between, everything is asked
# for again, and C++ answers: the exit is still the same.
fast_ring:
    ld      t1, CAIRN_CONTEXT_BELL(a0)
    lw      t0, (t1)
    addi    t0, t0, -CAIRN_REQUEST_SOFTWARE_INTERRUPT
    bnez    t0, full_exit
    csrci   sip, CAIRN_SIP_SSIP
    fence   iorw, iorw                  # accesses to CSRs count as input and output
    amoswap.w.aqrl t0, zero, (t1)
    addi    t0, t0, -CAIRN_REQUEST_SOFTWARE_INTERRUPT
    bnez    t0, more_is_asked
    csrsi   hvip, CAIRN_HVIP_VSSIP
    ld      t0, 5 * 8(a0)
    ld      t1, 6 * 8(a0)
    csrrw   a0, sscratch, a0
    sret
more_is_asked:
    addi    t0, t0, CAIRN_REQUEST_SOFTWARE_INTERRUPT
    amoor.w.aqrl zero, t0, (t1)
    j       full_exit

fast_return:                            # a1 = value; error 0
    csrr    t0, sepc
    addi    t0, t0, 4                   # behind the ecall
    csrw    sepc, t0
    ld      t0, 5 * 8(a0)
    ld      t1, 6 * 8(a0)
    csrw    sscratch, a0
    li      a0, 0
    sret
