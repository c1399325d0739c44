# SPDX-License-Identifier: MIT
# What exits.cpp measures: loops, each void(uint64_t rounds), of one operation a round, and the trap
# handlers that go with them. In assembly, so that the guest's own instructions are known: two of the
# loop (`again`), and what is between the label 1 and there.

    .option norvc                       # an access of 4 bytes, as most compilers emit for devices
    .text

    .macro  loop name
    .global \name
    .balign 4
\name:
    mv      t6, a0                      # SBI calls change a0 and a1 alone
    .endm
    .macro  again
    addi    t6, t6, -1
    bnez    t6, 1b
    ret
    .endm

    loop loop_empty
1:  again

    loop loop_nops
1:  .rept   10
    nop
    .endr
    again

# One SBI call with a0 alone.
    .macro  call_loop name, extension, function, argument
    loop \name
    li      a7, \extension
    li      a6, \function
1:  li      a0, \argument
    ecall
    again
    .endm

    call_loop loop_base, 0x10, 0, 0             # get_spec_version
    call_loop loop_probe, 0x10, 3, 0x10         # probe_extension(BASE)
    call_loop loop_hart_status, 0x48534d, 2, 0  # hart_get_status(0)
    call_loop loop_unknown, 0x12345678, 0, 0
    call_loop loop_set_timer, 0x54494d45, 0, -1

# A remote fence of this hart alone (mask 1, base 0).
    .macro  fence_loop name, function, start, size, asid=0
    loop \name
    li      a7, 0x52464e43
    li      a6, \function
    li      a2, \start
    li      a3, \size
    li      a4, \asid
1:  li      a0, 1
    li      a1, 0
    ecall
    again
    .endm

    fence_loop loop_remote_fence, 1, 0, -1                  # remote_sfence_vma, everything
    fence_loop loop_fence_code, 0, 0, 0                     # remote_fence_i
    fence_loop loop_fence_size_0, 1, 0, 0                   # everything, said otherwise
    fence_loop loop_fence_page, 1, 0x80200000, 0x1000
    fence_loop loop_fence_16_pages, 1, 0x80200000, 0x10000
    fence_loop loop_fence_asid, 2, 0x80200000, 0x1000, 1    # remote_sfence_vma_asid

    loop loop_ipi                       # send_ipi(mask 1, base 0), taken by handle_ipi
    li      a7, 0x735049
    li      a6, 0
1:  li      a0, 1
    li      a1, 0
    ecall
    again

# set_timer(0): a deadline that has passed. handle_timer masks the interrupt; the round unmasks it.
    loop loop_timer_interrupt
    li      a7, 0x54494d45
    li      a6, 0
    li      t5, 1 << 5                  # STIE
1:  li      a0, 0
    ecall
    csrs    sie, t5
    again

    loop loop_dbcn_write                # console_write(64 bytes at console_text)
    li      a7, 0x4442434e
    li      a6, 0
    li      a2, 0
    la      t5, console_text
1:  li      a0, 64
    mv      a1, t5
    ecall
    again

    .macro  access_loop name, address, instruction:vararg
    loop \name
    li      t5, \address
1:  \instruction
    again
    .endm

    access_loop loop_plic_read, 0x0c000004, lw t0, 0(t5)      # priority of source 1
    access_loop loop_plic_write, 0x0c000004, sw zero, 0(t5)
    access_loop loop_page_start_read, 0x0c200000, lw t0, 0(t5)    # threshold of context 0
    access_loop loop_page_start_write, 0x0c200000, sw zero, 0(t5)
    access_loop loop_uart_read, 0x10000005, lbu t0, 0(t5)     # LSR
    access_loop loop_uart_write, 0x10000007, sb zero, 0(t5)   # SCR
    access_loop loop_uart_output, 0x10000000, sb zero, 0(t5)  # THR

    access_loop loop_claim_nothing, 0x0c201004, lw t0, 0(t5)  # of context 1: hart 0, S-mode

    access_loop loop_complete_nothing, 0x0c201004, sw zero, 0(t5)

    loop loop_claim_complete            # of a source that stays asserted, so that it pends again
    li      t5, 0x0c201004
1:  lw      t0, 0(t5)
    sw      t0, 0(t5)
    again

    loop loop_collision                 # two accesses, different instructions a multiple of 64 apart
    li      t5, 0x0c000004
    .balign 64
1:  lw      t0, 0(t5)
    j       2f
    .balign 64
2:  lw      t1, 0(t5)
    again

    loop loop_compressed_read           # the same register as loop_plic_read, in 2 bytes
    .option push
    .option rvc
    li      a1, 0x0c000000
1:  lw      a0, 4(a1)
    .option pop
    again

    loop loop_illegal                   # a CSR that nobody has, skipped by handle_illegal
1:  csrr    t0, 0x5c0
    again

# An IPI to another hart and one back, by two harts that sleep meanwhile. Each masks its interrupts,
# sends, and sleeps until the other's is there; handle_signal notes in s2 that it was taken.
    .macro  wait_for_signal
2:  wfi
    csrsi   sstatus, 1 << 1             # taken here
    csrci   sstatus, 1 << 1
    beqz    s2, 2b
    li      s2, 0
    .endm
    .macro  signal hart
    li      a7, 0x735049                # send_ipi(mask 1, base hart), as Linux does
    li      a6, 0
    li      a0, 1
    mv      a1, \hart
    ecall
    .endm

# void ping(uint64_t rounds, uint64_t other_hart)
    .global ping
    .balign 4
ping:
    addi    sp, sp, -16
    sd      s2, 0(sp)
    csrci   sstatus, 1 << 1
    li      s2, 0
    mv      t6, a0
    mv      t5, a1
1:  signal  t5
    wait_for_signal
    addi    t6, t6, -1
    bnez    t6, 1b
    ld      s2, 0(sp)
    addi    sp, sp, 16
    ret

# Where hart_start lets the other hart begin: a1 = the hart that it answers.
    .global pong
    .balign 4
pong:
    la      sp, pong_stack_top
    la      t0, handle_signal
    csrw    stvec, t0
    csrwi   sie, 1 << 1
    li      s2, 0
    mv      t5, a1
1:  wait_for_signal
    signal  t5
    j       1b

# uint64_t fence_others(uint64_t hart_mask, uint64_t function, uint64_t size): a remote fence of harts of
# which the first is 0, from address 0 on; how many instructions all harts ran until it returned.
    .global fence_others
    .balign 4
fence_others:
    li      a7, 0x52464e43
    mv      a6, a1
    mv      a3, a2
    li      a1, 0
    li      a2, 0
    rdcycle t1
    ecall
    rdcycle t2
    sub     a0, t2, t1
    ret

# Where hart_start lets a hart begin that ends the turns of others: with -icount QEMU runs one hart
# until it sleeps or a timer ends, or is set. It begins with the first IPI. a1 = where it counts its
# rounds, of 6 instructions each.
    .global pace
    .balign 4
pace:
    csrwi   sie, 1 << 1
    wfi
    csrr    t0, sip
    andi    t0, t0, 1 << 1
    beqz    t0, pace
    csrwi   sie, 0
    li      t1, 0
1:  rdtime  t0
    addi    t0, t0, 30                  # 3,000 instructions: longer than what is measured
    csrw    stimecmp, t0
    addi    t1, t1, 1
    sd      t1, 0(a1)
    j       1b

# void loop_touch(uint64_t pages, std::byte* first): stores to one word of each page.
    loop loop_touch
    li      t5, 4096
1:  sd      zero, 0(a1)
    add     a1, a1, t5
    again

# uint64_t sleep_and_spin(uint64_t deadline, uint64_t end, uint64_t delay)
# Sleeps until `deadline`, then spins until `end`, both in ticks; returns how many instructions ran
# from the one after wfi up to the one that read `end`. `delay` adds that many rounds of one
# instruction (0 to 2), so that three calls together see every instruction, not every third.
    .global sleep_and_spin
    .balign 4
sleep_and_spin:
    la      t4, 2f
    slli    t3, a2, 2
    sub     t4, t4, t3
    li      t1, 0
1:  wfi
    rdtime  t0                          # 1
    bltu    t0, a0, 1b                  # 2
    jr      t4                          # 3
    nop
    nop
2:  addi    t1, t1, 3                   # three a round
    rdtime  t0
    bltu    t0, a1, 2b
    add     a0, t1, a2
    addi    a0, a0, 3 - 1               # the last bltu came after the reading
    ret

# Handlers, ten instructions each. Those of interrupts keep what they use, as any would.
    .macro  handler name, instruction:vararg
    .global \name
    .balign 4
\name:
    addi    sp, sp, -16
    sd      t0, 8(sp)
    sd      t1, 0(sp)
    csrr    t0, scause
    li      t1, 1 << 5
    \instruction
    ld      t1, 0(sp)
    ld      t0, 8(sp)
    addi    sp, sp, 16
    sret
    .endm

    .global handle_signal
    .balign 4
handle_signal:
    addi    sp, sp, -16
    sd      t0, 8(sp)
    sd      t1, 0(sp)
    csrr    t0, scause
    li      s2, 1
    csrci   sip, 1 << 1
    ld      t1, 0(sp)
    ld      t0, 8(sp)
    addi    sp, sp, 16
    sret

    handler handle_ipi, csrci sip, 1 << 1
    handler handle_timer, csrc sie, t1

    .global handle_illegal
    .balign 4
handle_illegal:
    addi    sp, sp, -16
    sd      t0, 8(sp)
    csrr    t0, scause
    csrr    t0, stval
    csrr    t0, sepc
    addi    t0, t0, 4
    csrw    sepc, t0
    ld      t0, 8(sp)
    addi    sp, sp, 16
    sret

    .section .rodata
console_text:
    .ascii  "...............................................................\n"

    .bss
    .balign 16
    .skip   64
pong_stack_top:
